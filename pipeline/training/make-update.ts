/** One optimizer update on some groups of a step. */
import { MtrlError } from '../../core/errors.ts';
import type { ForwardBackwardRequest, PolicyVerbs, TrainGroup } from '../../policy/engine.ts';
import type { AdamSpec, UpdateGuards } from '../policies/step-record.ts';
import type { ReadyStep } from './apply-update.ts';
import { type Agreement, checkedLogProbs, type GroupLogProbs } from './log-prob-check.ts';

/** A step, and the engine that makes its updates. */
export interface StepWork {
  readonly engine: PolicyVerbs;
  readonly ready: ReadyStep;
  /** The fields that all steps' requests share. */
  readonly common: Pick<ForwardBackwardRequest, 'tokens' | 'memory'>;
  readonly adam: AdamSpec;
  /** Codes for which an update is skipped. */
  readonly skips: UpdateGuards['skips'];
}

/**
 * Throws LOGPROB_MISMATCH before the weights change, and NON_FINITE.
 * @param isChecked whether the weights that the engine holds sampled the groups' rollouts
 */
export async function makeUpdate(
  { engine, ready, common, adam, skips }: StepWork,
  groups: readonly TrainGroup[],
  { isChecked }: { readonly isChecked: boolean },
) {
  const { step, learningRate, loss, temperature, logProbToleranceMax } = ready;
  // A skipped update leaves its gradients behind.
  const startsAnew = skips.length > 0 && { startsAnew: true };
  const result = await engine.forwardBackward({ groups, loss, temperature, ...common, ...startsAnew });
  requireFinite(result.loss, 'loss', step);
  const { logProbs, tokenCount } = result;
  const isLimited = isChecked && logProbToleranceMax !== undefined;
  const agreement: Agreement = isLimited
    ? checkedLogProbs(groups, logProbs, { step, logProbToleranceMax })
    : { logProbDifferenceMax: 0 };
  const { memory } = common;
  const { gradientNorm } = await engine.optimStep({ learningRate, ...adam, ...(memory && { memory }) });
  requireFinite(gradientNorm, 'gradient norm', step);
  return { loss: result.loss, gradientNorm, tokenCount, agreement, logProbs };
}

export function withReferenceLogProbs(groups: readonly TrainGroup[], reference: GroupLogProbs): TrainGroup[] {
  return groups.map((group, g) => ({
    prompt: group.prompt,
    completions: group.completions.map((completion, c) => ({
      ...completion,
      referenceLogProbs: reference[g]?.[c] ?? [],
    })),
  }));
}

function requireFinite(value: number, what: string, step: number): void {
  if (Number.isFinite(value)) return;
  throw new MtrlError('NON_FINITE', `the ${what} of step ${String(step)} is not finite`, {
    where: `step ${String(step)}`,
    found: String(value),
    hint: 'lower optimizer.learningRate or optimizer.gradientNormMax, and inspect the rollouts of earlier steps',
  });
}
