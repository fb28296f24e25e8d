/** 95 % percentile interval of Macro-F1 by the cluster bootstrap. */
import { assert } from '../../../core/assert.ts';
import type { Rng } from '../../../core/rng.ts';
import { macroF1 } from '../macro-f1.ts';
import type { Metric } from '../metric.ts';
import type { Outcome } from '../outcome.ts';
import { clusterRows, type Counts, intervalAround, resample } from './resampling.ts';

export interface ClusteredOutcome extends Outcome {
  readonly clusterKey: string;
}

/** Adds an outcome to a row of [label, 3] counts: true positives, false positives, false negatives. */
export function countOutcome(counts: Counts, start: number, outcome: Outcome, labels: readonly string[]): void {
  const add = (label: string | undefined, part: number): void => {
    const column = label === undefined ? -1 : labels.indexOf(label);
    const at = start + column * 3 + part;
    if (column >= 0) counts[at] = (counts[at] as number) + 1;
  };
  const { label, predicted } = outcome;
  if (label === predicted) add(label, 0);
  else {
    add(predicted, 1);
    add(label, 2);
  }
}

/** 95 % interval of Macro-F1. */
export const intervalScore: Metric<{ readonly ci95: readonly [number, number] }> = (request) => {
  const { outcomes, labels, resampleCount, rng } = request;
  return { ci95: macroF1Interval(outcomes, labels, resampleCount, rng()) };
};

/** Macro-F1 of `labelCount` classes whose counts begin at `start`. */
export function macroF1OfSums(sums: Float64Array, start: number, labelCount: number): number {
  let total = 0;
  for (let at = start; at < start + labelCount * 3; at += 3) {
    const doubled = 2 * (sums[at] as number);
    const whole = doubled + (sums[at + 1] as number) + (sums[at + 2] as number);
    total += whole === 0 ? 0 : doubled / whole;
  }
  return total / labelCount;
}

/**
 * [low, high] of the 95 % interval. It always includes the Macro-F1 of the examples themselves: where resamples of few
 * clusters are skewed past it, the interval is widened.
 */
export function macroF1Interval(
  outcomes: readonly ClusteredOutcome[],
  labels: readonly string[],
  resampleCount: number,
  rng: Rng,
): readonly [number, number] {
  return meanMacroF1Interval([{ outcomes, labels }], resampleCount, rng);
}

/** The same of the mean over several criteria, whose outcomes are of the same examples in the same order. */
export function meanMacroF1Interval(
  criteria: readonly { readonly outcomes: readonly ClusteredOutcome[]; readonly labels: readonly string[] }[],
  resampleCount: number,
  rng: Rng,
): readonly [number, number] {
  const examples = criteria[0]?.outcomes ?? [];
  assert(examples.length > 0 && resampleCount > 0, 'an interval of nothing');
  const { rowOf, clusterCount } = clusterRows(examples.map(({ clusterKey }) => clusterKey));
  let width = 0;
  const placed = criteria.map((criterion) => {
    const start = width;
    width += 3 * criterion.labels.length;
    return { ...criterion, start };
  });
  const counts = new Int32Array(clusterCount * width);
  for (const { outcomes, labels, start } of placed)
    outcomes.forEach((outcome, i) => {
      countOutcome(counts, (rowOf[i] ?? 0) * width + start, outcome, labels);
    });
  const mean = (valueOf: (criterion: (typeof placed)[number]) => number): number =>
    placed.reduce((sum, criterion) => sum + valueOf(criterion), 0) / placed.length;
  const statistic = (sums: Float64Array): number =>
    mean(({ labels, start }) => macroF1OfSums(sums, start, labels.length));
  const resamples = resample({ counts, width }, statistic, resampleCount, rng).sort();
  return intervalAround(
    mean(({ outcomes, labels }) => macroF1(outcomes, labels)),
    resamples,
  );
}
