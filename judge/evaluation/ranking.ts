/** How near the judge's rankings are to the right ones. */
import { pairsInOrder } from '../kinds/ranking.ts';
import { placesIn } from '../kinds/ranking-label.ts';
import type { Metric } from './metric.ts';
import { levenshtein } from './statistics/levenshtein.ts';

/** An unparsable answer has no pair in order, the greatest edit distance, and no correlation. */
export interface RankingScores {
  /** Share of answers that are the right ranking, in [0, 1]. */
  readonly exactRate: number;
  /** Mean share of pairs in the right order, in [0, 1]; .5 by guessing. */
  readonly pairAccuracy: number;
  /**
   * Mean Levenshtein distance of the places in order, divided by their number, in [0, 1]: 0 for the right ranking. As
   * MLLM-as-a-Judge (arXiv 2402.04788) publishes it for its rankings, whose code it does not.
   */
  readonly editDistance: number;
  /** Mean over the parsable answers, in [-1, 1]; absent if there is none. Without ties, tau is 2 pairAccuracy - 1. */
  readonly rankCorrelation?: { readonly count: number; readonly kendallTau: number; readonly spearman: number };
}

export const rankingScores: Metric<RankingScores> = ({ judged }) => {
  const compared = judged.map(({ example, judgment }) => {
    const right = placesIn(example.label);
    return judgment.ok ? { right, said: placesIn(judgment.verdict) } : { right };
  });
  const read = compared.flatMap(({ right, said }) => (said === undefined ? [] : [{ right, said }]));
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    exactRate: mean(compared.map(({ right, said }) => (said?.join() === right.join() ? 1 : 0))),
    pairAccuracy: mean(compared.map(({ right, said }) => (said === undefined ? 0 : pairsInOrder(said, right)))),
    editDistance: mean(
      compared.map(({ right, said }) => (said === undefined ? 1 : levenshtein(said, right) / right.length)),
    ),
    ...(read.length > 0 && {
      rankCorrelation: {
        count: read.length,
        kendallTau: mean(read.map(({ right, said }) => 2 * pairsInOrder(said, right) - 1)),
        spearman: mean(read.map(({ right, said }) => spearmanOf(said, right))),
      },
    }),
  };
};

/** Spearman's rho of two rankings without ties: 1 - 6 sum(d²) / (n (n² - 1)). */
function spearmanOf(said: readonly string[], right: readonly string[]): number {
  const n = right.length;
  const squares = right.reduce((sum, place, rank) => sum + (said.indexOf(place) - rank) ** 2, 0);
  return 1 - (6 * squares) / (n * (n ** 2 - 1));
}
