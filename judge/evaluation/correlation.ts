/** Correlation of the judge's numbers with human ones, for numeric labels and for labels derived from scores. */
import { kendallTauB } from './statistics/kendall.ts';
import { pearson } from './statistics/pearson.ts';
import type { JudgedExample, Metric } from './metric.ts';
import { numberPairs } from './number-pairs.ts';
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
 * Correlation over the parsable answers. Undefined if there are no human numbers, and for fewer than two answers.
 */
export function correlationOf(judged: readonly JudgedExample[], labels: readonly string[]): Correlation | undefined {
  const pairs = numberPairs(judged, labels).flatMap(({ given: value, said: own }) =>
    own === undefined ? [] : [[value, own] as const],
  );
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
