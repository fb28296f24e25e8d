/**
 * Intervals of several judges and of all differences between them, from one cluster bootstrap: every draw of clusters is
 * used for all of them, as paired comparisons need it.
 */
import { required } from '../../core/assert.ts';
import type { Rng } from '../../core/rng.ts';
import { type ClusteredOutcome, countOutcome, macroF1OfSums } from '../evaluation/statistics/bootstrap.ts';
import { type PairedDifference, twoSidedP } from '../evaluation/statistics/paired-bootstrap.ts';
import { clusterRows, intervalAround, resample } from '../evaluation/statistics/resampling.ts';

/** Outcomes of a judge by example and order. */
export type JudgeOutcomes = ReadonlyMap<string, ClusteredOutcome>;

type Interval = readonly [number, number];

export interface JointBootstrap {
  /** 95 % percentile intervals of each judge, in order. */
  readonly accuracy: readonly Interval[];
  readonly macroF1: readonly Interval[];
  /** Accuracy of judge i minus that of judge k on the examples of both, as [i][k] for k < i; undefined if there are none. */
  readonly differences: readonly (readonly (PairedDifference | undefined)[])[];
}

export function jointBootstrap(
  judges: readonly JudgeOutcomes[],
  labels: readonly string[],
  resampleCount: number,
  rng: Rng,
): JointBootstrap {
  const examples = new Map(judges.flatMap((outcomes) => [...outcomes]).map(([key, one]) => [key, one.clusterKey]));
  const { rowOf, clusterCount } = clusterRows([...examples.values()]);
  const columns = columnsOf(judges.length, labels.length);
  const counts = new Int32Array(clusterCount * columns.width);
  [...examples.keys()].forEach((key, i) => {
    addExample(
      counts,
      required(rowOf[i], 'a cluster') * columns.width,
      columns,
      labels,
      judges.map((of) => of.get(key)),
    );
  });
  const pairs = columns.pairs.map(() => new Float64Array(resampleCount));
  const [accuracy, f1] = [0, 1].map(() => judges.map(() => new Float64Array(resampleCount))) as [
    Float64Array[],
    Float64Array[],
  ];
  let draw = 0;
  const keep = (sums: Float64Array): number => {
    columns.judges.forEach((at, j) => {
      required(accuracy[j], 'a judge')[draw] = share(sums, at);
      required(f1[j], 'a judge')[draw] = macroF1OfSums(sums, at + 2, labels.length);
    });
    columns.pairs.forEach(({ at }, p) => {
      required(pairs[p], 'a pair')[draw] = share(sums, at);
    });
    return draw++;
  };
  resample({ counts, width: columns.width }, keep, resampleCount, rng);
  const whole = new Float64Array(columns.width);
  counts.forEach((count, i) => {
    whole[i % columns.width] = (whole[i % columns.width] as number) + count;
  });
  const differences = judges.map((): (PairedDifference | undefined)[] => []);
  columns.pairs.forEach(({ i, k, at }, p) => {
    const values = required(pairs[p], 'a pair').sort();
    const difference = share(whole, at);
    const isShared = (whole[at + 1] ?? 0) > 0;
    required(differences[i], 'a judge')[k] = isShared
      ? { difference, ci95: intervalAround(difference, values), p: twoSidedP(values) }
      : undefined;
  });
  return {
    accuracy: accuracy.map((values, j) =>
      intervalAround(share(whole, required(columns.judges[j], 'a judge')), values.sort()),
    ),
    macroF1: f1.map((values, j) =>
      intervalAround(macroF1OfSums(whole, required(columns.judges[j], 'a judge') + 2, labels.length), values.sort()),
    ),
    differences,
  };
}

interface Columns {
  readonly width: number;
  /** Of each judge: right verdicts, verdicts, and the counts of each label (countOutcome). */
  readonly judges: readonly number[];
  /** Of two judges: the gain of the first over the second, and the examples of both. */
  readonly pairs: readonly { readonly i: number; readonly k: number; readonly at: number }[];
}

function columnsOf(judgeCount: number, labelCount: number): Columns {
  const each = 2 + labelCount * 3;
  const judges = Array.from({ length: judgeCount }, (_, i) => i * each);
  const pairs = judges.flatMap((_, i) => judges.slice(0, i).map((__, k) => ({ i, k })));
  const first = judgeCount * each;
  return { judges, pairs: pairs.map((pair, p) => ({ ...pair, at: first + 2 * p })), width: first + 2 * pairs.length };
}

function addExample(
  counts: Int32Array,
  start: number,
  { judges, pairs }: Columns,
  labels: readonly string[],
  outcomes: readonly (ClusteredOutcome | undefined)[],
): void {
  const add = (at: number, value: number): void => {
    counts[start + at] = (counts[start + at] as number) + value;
  };
  const right = outcomes.map((outcome) => outcome && Number(outcome.label === outcome.predicted));
  judges.forEach((at, j) => {
    const outcome = outcomes[j];
    if (outcome === undefined) return;
    add(at, right[j] ?? 0);
    add(at + 1, 1);
    countOutcome(counts, start + at + 2, outcome, labels);
  });
  for (const { i, k, at } of pairs) {
    const [own, other] = [right[i], right[k]];
    if (own === undefined || other === undefined) continue;
    add(at, own - other);
    add(at + 1, 1);
  }
}

/** A draw may have no example of a judge that judged few. */
function share(sums: Float64Array, at: number): number {
  const count = sums[at + 1] as number;
  return count === 0 ? 0 : (sums[at] as number) / count;
}
