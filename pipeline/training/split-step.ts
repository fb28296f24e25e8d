/**
 * Steps whose rollouts serve several updates. Ratios compare with the policy that sampled, by its recorded log-probs:
 * the check of the first update keeps them equal to the trainer's, so that no forward pass over the step is needed (verl
 * calls this the bypass mode of rollout correction; TRL and verl by default compute them again, because their samplers
 * are other programs). Only a correction has the trainer's log-probs computed at the step's start; ratios are then to
 * these. Rollouts of an older policy cannot be checked, because its log-probs are not those of the trainer: their step
 * has no `logProbToleranceMax`.
 */
import { required } from '../../core/assert.ts';
import type { CorrectionStatistics } from '../../policy/algorithms/corrections.ts';
import type { RolloutGroups } from '../../policy/algorithms/rollout-batch.ts';
import type { StartNeeds } from '../../policy/algorithms/algorithm.ts';
import type { TrainGroup } from '../../policy/engine.ts';
import { klToReference } from '../../policy/losses/kl-estimates.ts';
import { joinedPairs, pairStatistics } from '../../policy/losses/pair-statistics.ts';
import { joined, ratioStatistics } from '../../policy/losses/ratio-statistics.ts';
import type { StepOutcome, UpdateOutcome } from '../policies/step-record.ts';
import { skippedFor } from './bad-numbers.ts';
import { makeUpdate, type StepWork, withReferenceLogProbs } from './make-update.ts';
import { checkedLogProbs, type GroupLogProbs } from './log-prob-check.ts';

/** Log-probs of all groups of the step, computed before its first update, as far as they are needed. */
export interface StartLogProbs {
  readonly reference?: GroupLogProbs;
  readonly trainer?: GroupLogProbs;
}

export interface SplitStep {
  readonly needs: StartNeeds;
  /** The groups of each update, in order. */
  readonly updatesOf: (start: StartLogProbs) => readonly RolloutGroups[];
  /** Number of passes that the updates make over the step's groups. */
  readonly epochCount: number;
  /** Only if the rollouts are of an older policy; `trainer` is of all groups of the step. */
  readonly correctionOf?: (trainer: GroupLogProbs) => CorrectionStatistics | undefined;
}

/** A step with at least one group. */
export async function applySplit(work: StepWork, split: SplitStep): Promise<StepOutcome> {
  const { engine, ready } = work;
  const { step, learningRate, groups, loss, logProbToleranceMax } = ready;
  const start = await startLogProbs(work, split.needs);
  // Over all rollouts if the trainer's log-probs are there; else over those of the first update.
  let agreement =
    start.trainer && logProbToleranceMax !== undefined
      ? checkedLogProbs(groups, start.trainer, { step, logProbToleranceMax })
      : undefined;
  const updates: UpdateOutcome[] = [];
  for (const { groups: own, droppedGroupCount } of split.updatesOf(start)) {
    if (own.length === 0) {
      updates.push({ loss: 0, gradientNorm: 0, tokenCount: 0, droppedGroupCount });
      continue;
    }
    const made = await makeUpdate(work, own, { isChecked: agreement === undefined }).catch((error: unknown) => {
      const bad = skippedFor(error, work.skips);
      // The rollouts are those of another policy: no update may be made from them.
      if (bad.code === 'LOGPROB_MISMATCH') throw error;
      return bad;
    });
    if ('skipped' in made) {
      updates.push({ loss: 0, gradientNorm: 0, tokenCount: 0, droppedGroupCount, bad: made });
      continue;
    }
    agreement ??= made.agreement;
    const { gradientNorm, tokenCount, logProbs } = made;
    updates.push({
      ...{ loss: made.loss, gradientNorm, tokenCount, droppedGroupCount },
      ...(loss.name === 'ppo' && { ratio: ratioStatistics(own, logProbs, loss) }),
      ...(loss.name === 'dpo' && { pairs: pairStatistics(own, logProbs, loss) }),
      weightsDigest: await engine.weightsDigest(),
    });
  }
  const bad = updates.find((update) => update.bad)?.bad;
  const ratio = joined(updates.flatMap((update) => update.ratio ?? []));
  const klMean = start.reference && klToReference(withReferenceLogProbs(groups, start.reference), sampled(groups));
  const correction = start.trainer && split.correctionOf?.(start.trainer);
  return {
    ...{ step, learningRate, ...summaryOf(updates, split), logProbDifferenceMax: 0, ...agreement, updates },
    ...(klMean !== undefined && { klMean }),
    ...(ratio && { ratio }),
    ...(correction && { correction }),
    ...(bad && { bad }),
    ...(loss.name === 'dpo' && {
      pairs: joinedPairs(
        updates.flatMap((update) => update.pairs ?? []),
        split.epochCount,
      ),
    }),
  };
}

async function startLogProbs({ engine, ready, common }: StepWork, needs: StartNeeds): Promise<StartLogProbs> {
  const { groups, temperature } = ready;
  const request = { groups, temperature, ...common };
  const reference = needs.reference ? await engine.forward({ ...request, weights: 'reference' }) : undefined;
  const trainer = needs.trainer ? await engine.forward({ ...request, weights: 'current' }) : undefined;
  return { ...(reference && { reference }), ...(trainer && { trainer }) };
}

/** Means over the updates that were made; counts over all, of one pass. */
function summaryOf(updates: readonly UpdateOutcome[], { epochCount }: SplitStep) {
  const made = updates.filter(({ weightsDigest }) => weightsDigest !== undefined);
  const sumOf = (of: readonly UpdateOutcome[], value: (update: UpdateOutcome) => number): number =>
    of.reduce((sum, update) => sum + value(update), 0);
  const divisor = Math.max(1, made.length);
  return {
    loss: sumOf(made, ({ loss }) => loss) / divisor,
    gradientNorm: sumOf(made, ({ gradientNorm }) => gradientNorm) / divisor,
    tokenCount: sumOf(updates, ({ tokenCount }) => tokenCount),
    droppedGroupCount: sumOf(updates.slice(0, updates.length / epochCount), (update) => update.droppedGroupCount),
  };
}

function sampled(groups: readonly TrainGroup[]): GroupLogProbs {
  return groups.map(({ completions }) => completions.map(({ logProbs }) => required(logProbs, 'log-probs')));
}
