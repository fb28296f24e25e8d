/**
 * Applies optimizer steps, for the first time or as a replay. Both use this one function, because a replay must run the
 * same code.
 */
import { klToReference } from '../../policy/losses/kl-estimates.ts';
import { usesReference } from '../../policy/losses/table.ts';
import type { Loss, PolicyVerbs, TokenRoles, TrainGroup } from '../../policy/engine.ts';
import type { StepOutcome, Update } from '../policies/step-record.ts';
import { makeUpdate, type StepWork, withReferenceLogProbs } from './make-update.ts';
import { applySplit, type SplitStep } from './split-step.ts';

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
  /** Set if the step is more than one update on `groups`; these are then all of its groups, without advantages. */
  readonly split?: SplitStep;
}

export interface ReadySteps {
  /** In order; a later step may be prepared while an earlier one runs. */
  readonly steps: Iterable<ReadyStep> | AsyncIterable<ReadyStep>;
  readonly tokens: TokenRoles;
}

/** Throws LOGPROB_MISMATCH and NON_FINITE: the run must not continue. */
export async function applySteps(
  engine: PolicyVerbs,
  { steps, tokens }: ReadySteps,
  { adam, trainable, memory }: Pick<Update, 'adam' | 'trainable' | 'memory'>,
): Promise<StepOutcome[]> {
  if (trainable !== undefined) await engine.prepareTraining(trainable);
  const common = { tokens, ...(memory && { memory }) };
  const outcomes: StepOutcome[] = [];
  for await (const step of steps) outcomes.push(await applyStep({ engine, ready: step, common, adam }));
  return outcomes;
}

async function applyStep(work: StepWork): Promise<StepOutcome> {
  const { step, learningRate, droppedGroupCount, loss, groups, split } = work.ready;
  const none = { loss: 0, gradientNorm: 0, tokenCount: 0, logProbDifferenceMax: 0 };
  if (groups.length === 0) return { step, learningRate, droppedGroupCount, ...none };
  if (split !== undefined) return applySplit(work, split);
  const shown = usesReference(loss) ? await withReference(work) : groups;
  const { logProbs, agreement, ...made } = await makeUpdate(work, shown, { isChecked: true });
  const klMean = klToReference(shown, logProbs);
  return { step, learningRate, droppedGroupCount, ...made, ...agreement, ...(klMean !== undefined && { klMean }) };
}

async function withReference({ engine, ready, common }: StepWork): Promise<TrainGroup[]> {
  const { groups, temperature } = ready;
  return withReferenceLogProbs(groups, await engine.forward({ groups, temperature, ...common, weights: 'reference' }));
}
