/** Compares the log-probs of rollouts with those that the trainer computes for the same policy. */
import { MtrlError } from '../../core/errors.ts';
import type { TrainGroup } from '../../policy/engine.ts';
import { klToTrainer } from '../../policy/losses/kl-estimates.ts';
import type { StepOutcome } from '../policies/step-record.ts';

/** Natural log, [group][completion][token]. */
export type GroupLogProbs = readonly (readonly (readonly number[])[])[];

export type Agreement = Pick<StepOutcome, 'logProbDifferenceMax' | 'samplerKlMean'>;

/** Throws LOGPROB_MISMATCH if the difference of a token exceeds the limit. */
export function checkedLogProbs(
  groups: readonly TrainGroup[],
  trained: GroupLogProbs,
  { step, logProbToleranceMax }: { readonly step: number; readonly logProbToleranceMax: number },
): Agreement {
  const found = differenceMax(groups, trained);
  if (found <= logProbToleranceMax) {
    const samplerKlMean = klToTrainer(groups, trained);
    return { logProbDifferenceMax: found, ...(samplerKlMean !== undefined && { samplerKlMean }) };
  }
  throw new MtrlError('LOGPROB_MISMATCH', 'rollouts and trainer disagree on the log-probs of the same policy', {
    where: `step ${String(step)}`,
    found: `a difference of ${String(found)}, allowed ${String(logProbToleranceMax)}`,
    hint: 'the two must be the same weights on the same runtime; arms.*.logProbToleranceMax sets the limit',
  });
}

/** NaN when any difference is not a number, so that it fails every comparison. */
function differenceMax(groups: readonly TrainGroup[], trained: GroupLogProbs): number {
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
