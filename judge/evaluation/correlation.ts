/** How a judge's numbers go with people's: for tasks whose labels are numbers, and for labels made of scores. */
import { numberOf } from '../kinds/label-numbers.ts';
import { kendallTauB } from './statistics/kendall.ts';
import { pearson } from './statistics/pearson.ts';
import type { JudgedExample, Metric } from './metric.ts';
import { spearman } from './statistics/spearman.ts';

/** Each in [-1, 1]; absent where one side does not vary. */
export interface Correlation {
  readonly count: number;
  readonly pearson?: number;
  readonly spearman?: number;
  readonly kendallTauB?: number;
}

interface CorrelationScores {
  /** With the labels or scores of a task whose labels are numbers: over the answers that can be read. */
  readonly correlation?: Correlation;
}

export const correlationScores: Metric<CorrelationScores> = ({ judged, labels }) => {
  const correlation = correlationOf(judged, labels);
  return correlation && { correlation };
};

/**
 * Of the readable answers. A person's number is the example's score, else its label; the judge's is the number it
 * answered, else its verdict, or, where labels are words, the label's place among them. Undefined where people gave no
 * numbers, and for fewer than two answers.
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
