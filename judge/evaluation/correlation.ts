/** Correlation of the judge's numbers with human ones, for numeric labels and for labels derived from scores. */
import { numberOf } from '../kinds/label-numbers.ts';
import { kendallTauB } from './statistics/kendall.ts';
import { pearson } from './statistics/pearson.ts';
import type { JudgedExample, Metric } from './metric.ts';
import { spearman } from './statistics/spearman.ts';

/** Coefficients in [-1, 1]; absent if one side is constant. */
export interface Correlation {
  readonly count: number;
  readonly pearson?: number;
  readonly spearman?: number;
  readonly kendallTauB?: number;
}

interface CorrelationScores {
  /** Correlation with numeric labels or scores, over the parsable answers. */
  readonly correlation?: Correlation;
}

export const correlationScores: Metric<CorrelationScores> = ({ judged, labels }) => {
  const correlation = correlationOf(judged, labels);
  return correlation && { correlation };
};

/**
 * Correlation over the parsable answers. The human number is the example's score, else its numeric label. The judge's
 * number is the one in its answer, else its verdict; if labels are not numeric, the position of its verdict in
 * `labels`. Undefined if there are no human numbers, and for fewer than two answers.
 */
export function correlationOf(judged: readonly JudgedExample[], labels: readonly string[]): Correlation | undefined {
  const numbers = labels.map(numberOf);
  const isNumeric = numbers.every((value) => value !== undefined);
  const place = (label: string): number => (isNumeric ? numberOf(label) : labels.indexOf(label)) ?? NaN;
  const pairs = judged.flatMap(({ example, judgment }) => {
    const given = example.score ?? (isNumeric ? numberOf(example.label) : undefined);
    return given === undefined || !judgment.ok ? [] : [[given, judgment.score ?? place(judgment.verdict)] as const];
  });
  if (pairs.length < 2) return undefined;
  const given = pairs.map(([value]) => value);
  const said = pairs.map(([, value]) => value);
  const [p, s, k] = [pearson(given, said), spearman(given, said), kendallTauB(given, said)];
  return {
    count: pairs.length,
    ...(p !== undefined && { pearson: p }),
    ...(s !== undefined && { spearman: s }),
    ...(k !== undefined && { kendallTauB: k }),
  };
}
