/** Mean absolute error (scikit-learn's `mean_absolute_error`) of the judge's numbers, in the unit of the labels. */
import type { Rng } from '../../core/rng.ts';
import type { Metric } from './metric.ts';
import { type NumberPair, numberPairs } from './number-pairs.ts';
import { clusterRows, intervalAround, resample } from './statistics/resampling.ts';

export interface AbsoluteError {
  /** Parsable answers, over which it is taken: the others have no number. */
  readonly count: number;
  readonly mean: number;
  /** 95 % interval by the cluster bootstrap. */
  readonly ci95: readonly [number, number];
  /** Mean absolute error of a judge that always gives the median of the labels of all examples: the best constant. */
  readonly ofMedian: number;
}

interface AbsoluteErrorScores {
  /** Present if an answer could be parsed. */
  readonly absoluteError?: AbsoluteError;
}

export const absoluteErrorScores: Metric<AbsoluteErrorScores> = ({ judged, labels, resampleCount, rng }) => {
  const absoluteError = absoluteErrorOf(numberPairs(judged, labels), resampleCount, rng());
  return absoluteError && { absoluteError };
};

/** Undefined if no answer could be parsed. */
export function absoluteErrorOf(
  pairs: readonly NumberPair[],
  resampleCount: number,
  rng: Rng,
): AbsoluteError | undefined {
  const read = pairs.flatMap(({ given, said, clusterKey }) =>
    said === undefined ? [] : [{ error: Math.abs(said - given), clusterKey }],
  );
  if (read.length === 0) return undefined;
  const { rowOf, clusterCount } = clusterRows(read.map(({ clusterKey }) => clusterKey));
  // Per cluster: sum and number of the errors.
  const counts = new Float64Array(2 * clusterCount);
  read.forEach(({ error }, i) => {
    const at = 2 * (rowOf[i] as number);
    counts[at] = (counts[at] as number) + error;
    counts[at + 1] = (counts[at + 1] as number) + 1;
  });
  const drawn = resample({ counts, width: 2 }, (sums) => (sums[0] as number) / (sums[1] as number), resampleCount, rng);
  const mean = meanOf(read.map(({ error }) => error));
  const given = pairs.map((pair) => pair.given);
  const median = medianOf(given);
  return {
    ...{ count: read.length, mean, ci95: intervalAround(mean, drawn.sort()) },
    ofMedian: meanOf(given.map((value) => Math.abs(value - median))),
  };
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The lower of the two in the middle, which is as good as any number between them. */
function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] as number;
}
