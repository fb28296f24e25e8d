/**
 * How well one rater answers the tasks of recipes/real-text.yaml: each of a word's ten raters in turn is the judge, and
 * the label is made of the other nine. No judge can be expected to agree with people better than they do with each other.
 */
import { accuracyOf } from '../judge/evaluation/accuracy.ts';
import { macroF1 } from '../judge/evaluation/macro-f1.ts';
import type { Outcome } from '../judge/evaluation/outcome.ts';
import { pearson } from '../judge/evaluation/statistics/pearson.ts';

interface Rated {
  /** From -4 to 4. */
  readonly ratings: readonly number[];
}

const signs = ['positive', 'negative'];
const intensities = Array.from({ length: 9 }, (_, i) => String(i - 4));

/** A rating of 0 takes no side, and counts as an answer that cannot be read. */
export function polarityCeiling(rows: readonly Rated[]) {
  const outcomes = eachRater(rows, (own, others): Outcome => ({
    label: others > 0 ? 'positive' : 'negative',
    predicted: own === 0 ? undefined : own > 0 ? 'positive' : 'negative',
  }));
  return { macroF1: macroF1(outcomes, signs), accuracy: accuracyOf(outcomes) };
}

/** Against the mean of the others, which for Macro-F1 and accuracy is rounded to a label. */
export function intensityCeiling(rows: readonly Rated[]) {
  const pairs = eachRater(rows, (own, others) => [own, others] as const);
  const outcomes = pairs.map(([own, others]) => ({ label: labelOf(others), predicted: String(own) }));
  return {
    macroF1: macroF1(outcomes, intensities),
    accuracy: accuracyOf(outcomes),
    meanAbsoluteError: pairs.reduce((sum, [own, others]) => sum + Math.abs(own - others), 0) / pairs.length,
    pearson: pearson(
      pairs.map(([own]) => own),
      pairs.map(([, others]) => others),
    ),
  };
}

interface RatedPair {
  readonly ratings_0: readonly number[];
  readonly ratings_1: readonly number[];
  readonly label: string;
}

/** One rater of each word: the share whose ratings are in the order of the means. Equal ratings count half. */
export function pairsCeiling(rows: readonly RatedPair[]) {
  const shares = rows.flatMap(({ ratings_0: first, ratings_1: second, label }) =>
    first.flatMap((a) => second.map((b) => (a === b ? 0.5 : Number(a > b === (label === 'first'))))),
  );
  return { accuracy: shares.reduce((sum, share) => sum + share, 0) / shares.length };
}

/** As the recipe's thresholds do: half a unit counts upward. */
function labelOf(mean: number): string {
  const rounded = Math.floor(mean + 0.5);
  // Not "-0".
  return String(rounded === 0 ? 0 : rounded);
}

function eachRater<T>(rows: readonly Rated[], judged: (own: number, meanOfOthers: number) => T): T[] {
  return rows.flatMap(({ ratings }) => {
    const sum = ratings.reduce((total, rating) => total + rating, 0);
    return ratings.map((own) => judged(own, (sum - own) / (ratings.length - 1)));
  });
}
