/**
 * Applies optimizer steps, for the first time or as a replay. Both use this one function, because a replay must run the
 * same code.
 */
import { MtrlError } from '../../core/errors.ts';
import { klToReference } from '../../policy/losses/kl-to-reference.ts';
import { usesReference } from '../../policy/losses/table.ts';
import type { Engine, ForwardBackwardRequest, Loss, TokenRoles, TrainGroup } from '../../policy/engine.ts';
import type { AdamSpec, StepOutcome, Update } from '../policies/step-record.ts';

/** A step whose prompts are encoded and whose advantages are known. */
export interface ReadyStep {
  readonly step: number;
  readonly learningRate: number;
  /** May be empty: a step without informative groups makes no update. */
  readonly groups: readonly TrainGroup[];
  readonly droppedGroupCount: number;
  readonly loss: Loss;
  readonly temperature: number;
  /** Maximum difference between rollout and trainer log-probs; undefined for steps without rollouts. */
  readonly logProbToleranceMax?: number;
}

export interface ReadySteps {
  /** In order; a later step may be prepared while an earlier one runs. */
  readonly steps: Iterable<ReadyStep> | AsyncIterable<ReadyStep>;
  readonly tokens: TokenRoles;
}

/** Throws LOGPROB_MISMATCH and NON_FINITE: the run must not continue. */
export async function applySteps(
  engine: Engine,
  { steps, tokens }: ReadySteps,
  { adam, trainable, memory }: Pick<Update, 'adam' | 'trainable' | 'memory'>,
): Promise<StepOutcome[]> {
  if (trainable !== undefined) await engine.prepareTraining(trainable);
  const outcomes: StepOutcome[] = [];
  for await (const step of steps)
    outcomes.push(await applyStep(engine, step, { tokens, ...(memory && { memory }) }, adam));
  return outcomes;
}

/** The fields that all steps' requests share. */
type Common = Pick<ForwardBackwardRequest, 'tokens' | 'memory'>;

async function applyStep(engine: Engine, ready: ReadyStep, common: Common, adam: AdamSpec): Promise<StepOutcome> {
  const { step, learningRate, droppedGroupCount, loss, temperature } = ready;
  const none = { loss: 0, gradientNorm: 0, tokenCount: 0, logProbDifferenceMax: 0 };
  if (ready.groups.length === 0) return { step, learningRate, droppedGroupCount, ...none };

  const groups = usesReference(loss) ? await withReference(engine, ready, common) : ready.groups;
  const result = await engine.forwardBackward({ groups, loss, temperature, ...common });
  requireFinite(result.loss, 'loss', step);
  const { logProbToleranceMax } = ready;
  const logProbDifferenceMax = logProbToleranceMax === undefined ? 0 : differenceMax(groups, result.logProbs);
  if (logProbToleranceMax !== undefined && !(logProbDifferenceMax <= logProbToleranceMax)) {
    throw logProbMismatch(step, logProbDifferenceMax, logProbToleranceMax);
  }
  const { memory } = common;
  const { gradientNorm } = await engine.optimStep({ learningRate, ...adam, ...(memory && { memory }) });
  requireFinite(gradientNorm, 'gradient norm', step);
  const { tokenCount } = result;
  const klMean = klToReference(groups, result.logProbs);
  const done = { step, learningRate, droppedGroupCount, loss: result.loss, gradientNorm, tokenCount };
  return { ...done, logProbDifferenceMax, ...(klMean !== undefined && { klMean }) };
}

async function withReference(
  engine: Engine,
  { groups, temperature }: ReadyStep,
  common: Common,
): Promise<TrainGroup[]> {
  const reference = await engine.forward({ groups, temperature, ...common, weights: 'reference' });
  return groups.map((group, g) => ({
    prompt: group.prompt,
    completions: group.completions.map((completion, c) => ({
      ...completion,
      referenceLogProbs: reference[g]?.[c] ?? [],
    })),
  }));
}

/** NaN when any difference is not a number, so that it fails every comparison. */
function differenceMax(groups: readonly TrainGroup[], trained: readonly (readonly (readonly number[])[])[]): number {
  let largest = 0;
  groups.forEach(({ completions }, g) => {
    completions.forEach(({ logProbs = [] }, c) => {
      const own = trained[g]?.[c] ?? [];
      logProbs.forEach((sampled, t) => {
        largest = Math.max(largest, Math.abs(sampled - (own[t] ?? Number.NaN)));
      });
    });
  });
  return largest;
}

function requireFinite(value: number, what: string, step: number): void {
  if (Number.isFinite(value)) return;
  throw new MtrlError('NON_FINITE', `the ${what} of step ${String(step)} is not finite`, {
    where: `step ${String(step)}`,
    found: String(value),
    hint: 'lower optimizer.learningRate or optimizer.gradientNormMax, and inspect the rollouts of earlier steps',
  });
}

function logProbMismatch(step: number, found: number, allowed: number): MtrlError {
  return new MtrlError('LOGPROB_MISMATCH', 'rollouts and trainer disagree on the log-probs of the same policy', {
    where: `step ${String(step)}`,
    found: `a difference of ${String(found)}, allowed ${String(allowed)}`,
    hint: 'the two must be the same weights on the same runtime; arms.*.logProbToleranceMax sets the limit',
  });
}
