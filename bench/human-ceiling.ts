/**
 * How well one rater answers the tasks of recipes/real-text.yaml: each of a word's ten raters in turn is the judge, and
 * the label is made of the other nine. A judge with these figures is as good as one more rater.
 */
import { agreementOf, heldOutVotes } from '../judge/evaluation/people/human-ceiling.ts';
import { voteCounts } from '../judge/vote-counts.ts';
import type { KindedTask } from '../recipes/fields/task-fields.ts';

interface Rated {
  /** From -4 to 4. */
  readonly ratings: readonly number[];
}

const polarity: KindedTask = { kind: 'pointwise', labels: ['positive', 'negative'] };
const intensity: KindedTask = { kind: 'score', labels: ['-4', '-3', '-2', '-1', '0', '1', '2', '3', '4'] };

/** A rating of 0 takes no side, and counts as an answer that cannot be read. */
export function polarityCeiling(rows: readonly Rated[]) {
  return ceilingOf(rows, polarity, (rating) => (rating === 0 ? null : rating > 0 ? 'positive' : 'negative'));
}

/** Against the mean of the others, which for Macro-F1 and accuracy is the nearest label. */
export function intensityCeiling(rows: readonly Rated[]) {
  return ceilingOf(rows, intensity, String);
}

function ceilingOf(rows: readonly Rated[], task: KindedTask, voteOf: (rating: number) => string | null) {
  const heldOut = rows.flatMap(({ ratings }) =>
    heldOutVotes(voteCounts(ratings.map((rating) => [voteOf(rating), 1])), task),
  );
  return agreementOf(heldOut, task);
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
