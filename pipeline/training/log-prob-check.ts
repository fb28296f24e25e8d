/** Compares the log-probs of rollouts with those that the trainer computes for the same policy. */
import { MtrlError } from '../../core/errors.ts';
import type { TrainGroup } from '../../policy/engine.ts';
import { klToTrainer } from '../../policy/losses/kl-estimates.ts';
import type { StepOutcome } from '../policies/step-record.ts';

/** Natural log, [group][completion][token]. */
export type GroupLogProbs = readonly (readonly (readonly number[])[])[];

export type Agreement = Pick<StepOutcome, 'logProbDifferenceMax' | 'samplerKlMean'>;

/**
 * Throws LOGPROB_MISMATCH if a token differs by more than the limit times the larger of 1 and its own log-prob: rounding
 * moves the log-prob of an unlikely token most, as that of a likely one hardly depends on its logit
 * (docs/algorithms.md).
 */
export function checkedLogProbs(
  groups: readonly TrainGroup[],
  trained: GroupLogProbs,
  { step, logProbToleranceMax }: { readonly step: number; readonly logProbToleranceMax: number },
): Agreement {
  const { largest, worst } = differences(groups, trained);
  if (worst.relative <= logProbToleranceMax) {
    const samplerKlMean = klToTrainer(groups, trained);
    return { logProbDifferenceMax: largest, ...(samplerKlMean !== undefined && { samplerKlMean }) };
  }
  const allowed = logProbToleranceMax * scaleOf(worst.sampled);
  throw new MtrlError('LOGPROB_MISMATCH', 'rollouts and trainer disagree on the log-probs of the same policy', {
    where: `step ${String(step)}`,
    found: `${String(worst.sampled)} and ${String(worst.trained)} for a token, a difference of at most ${String(allowed)} is allowed`,
    hint: 'the two must be the same weights on the same runtime; arms.*.logProbToleranceMax sets the limit',
  });
}

interface Differing {
  readonly sampled: number;
  readonly trained: number;
  /** The difference by `scaleOf`; NaN if it is not a number, so that it fails every comparison. */
  readonly relative: number;
}

function differences(groups: readonly TrainGroup[], trained: GroupLogProbs) {
  let largest = 0;
  let worst: Differing = { sampled: 0, trained: 0, relative: 0 };
  groups.forEach(({ completions }, g) => {
    completions.forEach(({ logProbs = [] }, c) => {
      const own = trained[g]?.[c] ?? [];
      logProbs.forEach((sampled, t) => {
        const now = own[t] ?? Number.NaN;
        const difference = Math.abs(sampled - now);
        const relative = difference / scaleOf(sampled);
        largest = Math.max(largest, difference);
        if (!Number.isNaN(worst.relative) && !(relative <= worst.relative)) worst = { sampled, trained: now, relative };
      });
    });
  });
  return { largest, worst };
}

function scaleOf(logProb: number): number {
  return Math.max(1, Math.abs(logProb));
}
