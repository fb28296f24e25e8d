/** Cuts a step's groups into micro-batches: little padding in each, and a bound on what one call holds in memory. */

/** Rows of similar length go together; [start, end) over the returned order. */
export interface MicroBatches {
  /** Indices of the groups, longest first; ties stay in order. */
  readonly order: readonly number[];
  readonly bounds: readonly (readonly [start: number, end: number])[];
}

/** Padded tokens in one call: more is no faster on a CPU, and attention memory grows with it. */
const paddedTokenCountMax = 4096;

export interface MicroBatchLimits {
  readonly tokenCountMax?: number;
  /** Whether groups fit into memory together, by their indices. More than fits is cut; a single group is not asked about. */
  readonly fits?: (indices: readonly number[]) => boolean;
}

export function microBatches(
  lengths: readonly number[],
  { tokenCountMax = paddedTokenCountMax, fits = () => true }: MicroBatchLimits = {},
): MicroBatches {
  const order = lengths
    .map((_, index) => index)
    .sort((a, b) => (lengths[b] as number) - (lengths[a] as number) || a - b);
  const bounds: [number, number][] = [];
  let start = 0;
  while (start < order.length) {
    const rest = order.slice(start);
    const longest = lengths[order[start] as number] as number;
    const countMax = Math.min(rest.length, Math.max(1, Math.floor(tokenCountMax / longest)));
    const end = start + largestCount(countMax, (count) => fits(rest.slice(0, count)));
    bounds.push([start, end]);
    start = end;
  }
  return { order, bounds };
}

/** The largest count from 1 to countMax that fits, where whatever is smaller than a fitting one fits, too; 1 if none does. */
export function largestCount(countMax: number, fits: (count: number) => boolean): number {
  if (countMax <= 1 || fits(countMax)) return countMax;
  let [most, tooMany] = [1, countMax];
  while (tooMany - most > 1) {
    const middle = Math.floor((most + tooMany) / 2);
    if (fits(middle)) most = middle;
    else tooMany = middle;
  }
  return most;
}

/** The indices of each micro-batch. */
export function batchesOf({ order, bounds }: MicroBatches): (readonly number[])[] {
  return bounds.map(([start, end]) => order.slice(start, end));
}
