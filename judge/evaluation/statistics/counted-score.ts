/** A score as a function of sums of counts, which resampling needs: a draw adds up the counts of its clusters. */
import { accuracyOf } from '../accuracy.ts';
import { macroF1 } from '../macro-f1.ts';
import type { Outcome } from '../outcome.ts';
import { countOutcome, macroF1OfSums } from './bootstrap.ts';

export interface CountedScore {
  /** Counts of a cluster. */
  readonly width: number;
  /** Adds an outcome to the counts that begin at `start`. */
  readonly count: (counts: Int32Array, start: number, outcome: Outcome) => void;
  /** Of the sums that begin at `start`. */
  readonly ofSums: (sums: Float64Array, start: number) => number;
  /** On the examples themselves. */
  readonly of: (outcomes: readonly Outcome[]) => number;
}

/** Macro-F1 over the labels; accuracy without any, for verdicts that are no classes. */
export function countedScore(labels: readonly string[]): CountedScore {
  if (labels.length === 0) return accuracy;
  return {
    width: labels.length * 3,
    count: (counts, start, outcome) => {
      countOutcome(counts, start, outcome, labels);
    },
    ofSums: (sums, start) => macroF1OfSums(sums, start, labels.length),
    of: (outcomes) => macroF1(outcomes, labels),
  };
}

const accuracy: CountedScore = {
  width: 2,
  count: (counts, start, { label, predicted }) => {
    counts[start] = (counts[start] as number) + Number(label === predicted);
    counts[start + 1] = (counts[start + 1] as number) + 1;
  },
  ofSums: (sums, start) => (sums[start] as number) / (sums[start + 1] as number),
  of: accuracyOf,
};
