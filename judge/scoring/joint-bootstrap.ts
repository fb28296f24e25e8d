/**
 * Intervals of several judges and of all differences between them, from one cluster bootstrap: every draw of clusters is
 * used for all of them, as paired comparisons need it.
 */
import { required } from '../../core/assert.ts';
import type { Rng } from '../../core/rng.ts';
import { type ClusteredOutcome, countOutcome } from '../evaluation/statistics/bootstrap.ts';
import { type PairedDifference, twoSidedP } from '../evaluation/statistics/paired-bootstrap.ts';
import { clusterRows, intervalAround, resample } from '../evaluation/statistics/resampling.ts';
import { type LabelScore, labelScores, labelScoreNames } from './label-sums.ts';
import { addNumbers, type GivenAndSaid, numberScoreNames, numberScores, numberSumCount } from './number-sums.ts';

export interface JudgeOutcome extends ClusteredOutcome {
  /** How right the verdict is, in [0, 1]; its mean is the accuracy. Default: 1 if it is the label, else 0. */
  readonly right?: number;
  /** Values of this example of other scores that are means over examples, by the name of the score. */
  readonly means?: Readonly<Record<string, number>>;
  /** For verdicts that are numbers, if it is one. */
  readonly numbers?: GivenAndSaid;
}

/** Outcomes of a judge by example and order. */
export type JudgeOutcomes = ReadonlyMap<string, JudgeOutcome>;

export type Interval = readonly [number, number];

/** Of a score that the draws define: 95 % percentile interval by name. */
export type Intervals = Readonly<Partial<Record<'accuracy' | LabelScore, Interval>>> &
  Readonly<Partial<Record<string, Interval>>>;

export interface JointBootstrap {
  /** Of each judge, in order. */
  readonly intervals: readonly Intervals[];
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
  const columns = columnsOf(judges, labels);
  const counts = new Float64Array(clusterCount * columns.width);
  [...examples.keys()].forEach((key, i) => {
    addExample(
      counts,
      required(rowOf[i], 'a cluster') * columns.width,
      columns,
      judges.map((of) => of.get(key)),
    );
  });
  const statistics = statisticsOf(columns);
  const draws = statistics.map(() => new Float64Array(resampleCount));
  let draw = 0;
  const keep = (sums: Float64Array): number => {
    statistics.forEach((statistic, s) => {
      required(draws[s], 'a statistic')[draw] = statistic(sums);
    });
    return draw++;
  };
  resample({ counts, width: columns.width }, keep, resampleCount, rng);
  const whole = new Float64Array(columns.width);
  counts.forEach((count, i) => {
    whole[i % columns.width] = (whole[i % columns.width] as number) + count;
  });
  // A draw in which a score is not defined says nothing of it.
  const drawn = draws.map((values) => values.filter((value) => !Number.isNaN(value)).sort());
  const points = statistics.map((statistic) => statistic(whole));
  const { scoreNames, pairs } = columns;
  return {
    intervals: judges.map((_, j) =>
      Object.fromEntries(
        scoreNames.flatMap((name, n) => {
          const at = j * scoreNames.length + n;
          const [point, values] = [required(points[at], name), required(drawn[at], name)];
          return Number.isNaN(point) || values.length === 0 ? [] : [[name, intervalAround(point, values)]];
        }),
      ),
    ),
    differences: judges.map((_, i) =>
      Array.from({ length: i }, (__, k): PairedDifference | undefined => {
        const p = pairs.findIndex((pair) => pair.i === i && pair.k === k);
        const at = judges.length * scoreNames.length + p;
        const [difference, values] = [required(points[at], 'a pair'), required(drawn[at], 'a pair')];
        if (Number.isNaN(difference)) return undefined;
        return { difference, ci95: intervalAround(difference, values), p: twoSidedP(values) };
      }),
    ),
  };
}

/** Places of sums, of which all statistics are functions. */
interface Columns {
  readonly width: number;
  readonly labels: readonly string[];
  /** Names of the means: each is a sum and a count. */
  readonly meanNames: readonly string[];
  readonly hasNumbers: boolean;
  /** Names of the scores of a judge: accuracy, those of labels, those of numbers, the means. */
  readonly scoreNames: readonly string[];
  /** Of each judge: sum of right verdicts, verdicts, the means, the sums of numbers, and the counts of each label (countOutcome). */
  readonly judges: readonly number[];
  /** Of two judges: the gain of the first over the second, and the examples of both. */
  readonly pairs: readonly { readonly i: number; readonly k: number; readonly at: number }[];
}

function columnsOf(outcomes: readonly JudgeOutcomes[], labels: readonly string[]): Columns {
  const names = outcomes.flatMap((of) => [...of.values()].flatMap(({ means = {} }) => Object.keys(means)));
  const meanNames = [...new Set(names)];
  const hasNumbers = outcomes.some((of) => [...of.values()].some(({ numbers }) => numbers !== undefined));
  const each = labelsAt({ meanNames, hasNumbers }) + labels.length * 3;
  const judges = outcomes.map((_, i) => i * each);
  const pairs = judges.flatMap((_, i) => judges.slice(0, i).map((__, k) => ({ i, k })));
  const first = judges.length * each;
  return {
    ...{ labels, meanNames, hasNumbers, judges },
    scoreNames: ['accuracy', ...labelNames(labels, hasNumbers), ...(hasNumbers ? numberScoreNames : []), ...meanNames],
    pairs: pairs.map((pair, p) => ({ ...pair, at: first + 2 * p })),
    width: first + 2 * pairs.length,
  };
}

/** Where the counts of the labels begin, from the first sum of a judge. */
const labelsAt = ({ meanNames, hasNumbers }: Pick<Columns, 'meanNames' | 'hasNumbers'>): number =>
  2 + 2 * meanNames.length + (hasNumbers ? numberSumCount : 0);

/** Where verdicts are numbers, alpha is that of their distances. */
function labelNames(labels: readonly string[], hasNumbers: boolean): readonly LabelScore[] {
  if (labels.length === 0) return [];
  return labelScoreNames.filter((name) => !hasNumbers || name !== 'krippendorffAlpha');
}

/** Those of each judge in the order of the names, then the differences; NaN where one is not defined. */
function statisticsOf({ labels, meanNames, hasNumbers, judges, pairs }: Columns): ((sums: Float64Array) => number)[] {
  const meanAt = (at: number) => (sums: Float64Array) => (sums[at] as number) / (sums[at + 1] as number);
  const ofJudges = judges.flatMap((at) => {
    const numbers = at + 2 + 2 * meanNames.length;
    const counts = at + labelsAt({ meanNames, hasNumbers });
    const ofNumbers = numberScoreNames.map((name) => (sums: Float64Array) => numberScores[name](sums, numbers));
    const ofLabels = labelNames(labels, hasNumbers).map((name) => {
      const score = labelScores[name];
      return (sums: Float64Array) => score(sums, counts, labels.length, sums[at + 1] as number);
    });
    const ofMeans = meanNames.map((_, m) => meanAt(at + 2 + 2 * m));
    return [meanAt(at), ...ofLabels, ...(hasNumbers ? ofNumbers : []), ...ofMeans];
  });
  return [...ofJudges, ...pairs.map(({ at }) => meanAt(at))];
}

function addExample(
  counts: Float64Array,
  start: number,
  { judges, pairs, labels, meanNames, hasNumbers }: Columns,
  outcomes: readonly (JudgeOutcome | undefined)[],
): void {
  const add = (at: number, value: number): void => {
    counts[start + at] = (counts[start + at] as number) + value;
    counts[start + at + 1] = (counts[start + at + 1] as number) + 1;
  };
  const right = outcomes.map((outcome) => outcome && (outcome.right ?? Number(outcome.label === outcome.predicted)));
  judges.forEach((at, j) => {
    const outcome = outcomes[j];
    if (outcome === undefined) return;
    add(at, right[j] ?? 0);
    meanNames.forEach((name, m) => {
      const value = outcome.means?.[name];
      if (value !== undefined) add(at + 2 + 2 * m, value);
    });
    if (outcome.numbers !== undefined) addNumbers(counts, start + at + 2 + 2 * meanNames.length, outcome.numbers);
    countOutcome(counts, start + at + labelsAt({ meanNames, hasNumbers }), outcome, labels);
  });
  for (const { i, k, at } of pairs) {
    const [own, other] = [right[i], right[k]];
    if (own !== undefined && other !== undefined) add(at, own - other);
  }
}
