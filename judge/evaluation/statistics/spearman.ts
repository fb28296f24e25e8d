/** Spearman's rank correlation with mean ranks for ties, as `scipy.stats.spearmanr`. */
import { pearson } from './pearson.ts';

export function spearman(first: readonly number[], second: readonly number[]): number | undefined {
  return pearson(ranks(first), ranks(second));
}

/** 1-based ranks; equal values share the mean of their ranks. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((value, i) => [value, i] as const).sort(([a], [b]) => a - b);
  const found = values.map(() => 0);
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to < order.length && order[to]?.[0] === order[from]?.[0]) to++;
    for (const [, index] of order.slice(from, to)) found[index] = (from + to + 1) / 2;
    from = to;
  }
  return found;
}
