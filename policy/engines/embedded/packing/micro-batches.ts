/** Splits a step's groups into micro-batches: similar lengths, equal token counts, and bounded memory per call. */

/** Approximate maximum of tokens per call: more tokens are no faster on a CPU, and need more memory. */
export const callTokenCountMax = 2048;
/** Minimum of tokens per call: the fixed cost of a call makes smaller calls slower, even if they run concurrently. */
export const callTokenCountMin = 512;

/**
 * Indices of the groups in each micro-batch, longest first; ties stay in order. Micro-batches come in pairs of equal
 * length where they fit into memory, so that two lanes finish together. The split depends only on the request, never on
 * the number of lanes, because it determines the order of summation.
 * @param lengths tokens of each group, prompt and completions
 * @param tokenCountMax approximate maximum of tokens per call
 * @param fits whether groups fit into memory together; not called for a single group
 */
export function microBatches(
  lengths: readonly number[],
  tokenCountMax = callTokenCountMax,
  fits: (indices: readonly number[]) => boolean = () => true,
): (readonly number[])[] {
  const lengthOf = (index: number): number => lengths[index] as number;
  let rest = lengths.map((_, index) => index).sort((a, b) => lengthOf(b) - lengthOf(a) || a - b);
  let tokenCount = lengths.reduce((sum, length) => sum + length, 0);
  const tokenCountMin = Math.min(callTokenCountMin, tokenCountMax);
  let batchCount = tokenCount < 2 * tokenCountMin ? 1 : 2 * Math.ceil(tokenCount / (2 * tokenCountMax));
  const batches: (readonly number[])[] = [];
  while (rest.length > 0) {
    const shareOf = (count: number): number => countOfShare(rest.map(lengthOf), (tokenCount * count) / batchCount);
    const pair = batchCount === 1 ? [] : dealt(rest.slice(0, shareOf(2)), lengthOf);
    const isPair = pair.length === 2 && pair.every((batch) => batch.length === 1 || fits(batch));
    const taken = isPair
      ? pair
      : [
          rest.slice(
            0,
            largestCount(shareOf(1), (count) => fits(rest.slice(0, count))),
          ),
        ];
    batches.push(...taken);
    rest = rest.slice(taken.flat().length);
    tokenCount -= taken.flat().reduce((sum, index) => sum + lengthOf(index), 0);
    batchCount = Math.max(1, batchCount - taken.length);
  }
  return batches;
}

/** Deals each group to the shorter of two batches, in order; a single group goes to the first. */
function dealt(indices: readonly number[], lengthOf: (index: number) => number): (readonly number[])[] {
  const hands: [number[], number[]] = [[], []];
  let ahead = 0;
  for (const index of indices) {
    const isFirst = ahead <= 0;
    hands[isFirst ? 0 : 1].push(index);
    ahead += isFirst ? lengthOf(index) : -lengthOf(index);
  }
  return hands.filter((hand) => hand.length > 0);
}

/** Number of leading lengths whose sum is nearest to `share`; at least 1. */
function countOfShare(lengths: readonly number[], share: number): number {
  let sum = 0;
  const count = lengths.findIndex((length) => {
    sum += length;
    return sum - length / 2 > share;
  });
  return count === -1 ? lengths.length : Math.max(1, count);
}

/** Largest count from 1 to countMax that fits, assuming that smaller counts fit too; 1 if none does. */
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
