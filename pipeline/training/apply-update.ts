/**
 * Applies optimizer steps, for the first time or as a replay. Both use this one function, because a replay must run the
 * same code.
 */
import { klToReference } from '../../policy/losses/kl-estimates.ts';
import { usesReference } from '../../policy/losses/table.ts';
import type { Loss, PolicyVerbs, TokenRoles, TrainGroup } from '../../policy/engine.ts';
import type { BadNumbers } from '../../contract/guards.ts';
import { skippedFor } from './bad-numbers.ts';
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
  /** Maximum difference between rollout and trainer log-probs; undefined without rollouts, and if they are stale. */
  readonly logProbToleranceMax?: number;
  /** Set if the step is more than one update on `groups`; these are then all of its groups, without advantages. */
  readonly split?: SplitStep;
  /** Set if the means of the step's rollouts are outside of the arm's limits. */
  readonly collapsed?: BadNumbers;
}

export interface ReadySteps {
  /** In order; a later step may be prepared while an earlier one runs. */
  readonly steps: Iterable<ReadyStep> | AsyncIterable<ReadyStep>;
  readonly tokens: TokenRoles;
}

/** Throws LOGPROB_MISMATCH and NON_FINITE, unless the guards skip updates for them: the run must not continue. */
export async function applySteps(
  engine: PolicyVerbs,
  { steps, tokens }: ReadySteps,
  { adam, trainable, memory, guards }: Pick<Update, 'adam' | 'trainable' | 'memory' | 'guards'>,
): Promise<StepOutcome[]> {
  if (trainable !== undefined) await engine.prepareTraining(trainable);
  const common = { tokens, ...(memory && { memory }) };
  const outcomes: StepOutcome[] = [];
  const skips = guards?.skips ?? [];
  for await (const step of steps) outcomes.push(await applyStep({ engine, ready: step, common, adam, skips }));
  return outcomes;
}

async function applyStep(work: StepWork): Promise<StepOutcome> {
  const { step, learningRate, droppedGroupCount, groups, split, collapsed } = work.ready;
  const none = { loss: 0, gradientNorm: 0, tokenCount: 0, logProbDifferenceMax: 0 };
  const unmade = { step, learningRate, droppedGroupCount, ...none };
  const noted = collapsed && { bad: collapsed };
  if (groups.length === 0 || collapsed?.skipped === true) return { ...unmade, ...noted };
  try {
    return { ...noted, ...(await (split ? applySplit(work, split) : applyOne(work))) };
  } catch (error) {
    // Both errors are thrown before the weights change; one update of several is skipped by applySplit.
    return { ...unmade, bad: skippedFor(error, work.skips) };
  }
}

async function applyOne(work: StepWork): Promise<StepOutcome> {
  const { step, learningRate, droppedGroupCount, loss, groups } = work.ready;
  const shown = usesReference(loss) ? await withReference(work) : groups;
  const { logProbs, agreement, ...made } = await makeUpdate(work, shown, { isChecked: true });
  const klMean = klToReference(shown, logProbs);
  return { step, learningRate, droppedGroupCount, ...made, ...agreement, ...(klMean !== undefined && { klMean }) };
}

async function withReference({ engine, ready, common }: StepWork): Promise<TrainGroup[]> {
  const { groups, temperature } = ready;
  return withReferenceLogProbs(groups, await engine.forward({ groups, temperature, ...common, weights: 'reference' }));
}
