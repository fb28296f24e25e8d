/** Cuts a step's groups into micro-batches: little padding in each, and a bound on what one call holds in memory. */

/** Rows of similar length go together; [start, end) over the returned order. */
export interface MicroBatches {
  /** Indices of the groups, longest first; ties stay in order. */
  readonly order: readonly number[];
  readonly bounds: readonly (readonly [start: number, end: number])[];
}

/** Padded tokens in one call: more is no faster on a CPU, and attention memory grows with it. */
const paddedTokenCountMax = 2048;

export function microBatches(lengths: readonly number[], tokenCountMax = paddedTokenCountMax): MicroBatches {
  const order = lengths
    .map((_, index) => index)
    .sort((a, b) => (lengths[b] as number) - (lengths[a] as number) || a - b);
  const bounds: [number, number][] = [];
  let start = 0;
  while (start < order.length) {
    const longest = lengths[order[start] as number] as number;
    const end = Math.min(order.length, start + Math.max(1, Math.floor(tokenCountMax / longest)));
    bounds.push([start, end]);
    start = end;
  }
  return { order, bounds };
}
