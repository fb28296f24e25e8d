/** Cuts a step's groups into micro-batches: like lengths together, as many tokens in each, and a bound on what one call holds. */

/** Approximate maximum of tokens per call: with more a CPU gets no faster, and memory grows. */
const tokenCountMax = 2048;
/** What every call costs beside its tokens makes smaller ones slower, even side by side. */
const tokenCountMin = 512;

/**
 * The indices of the groups in each micro-batch, longest first; ties stay in order. An even number of micro-batches, as
 * long as each other two by two, so that two lanes end together; it depends on the request alone, never on the lanes
 * there are, because it decides the order of sums.
 * @param lengths tokens of each group, its prompt's and its completions'
 * @param fits whether groups fit into memory together: more than fits is cut; a single group is not asked about
 */
export function microBatches(
  lengths: readonly number[],
  fits: (indices: readonly number[]) => boolean = () => true,
): (readonly number[])[] {
  const lengthOf = (index: number): number => lengths[index] as number;
  let rest = lengths.map((_, index) => index).sort((a, b) => lengthOf(b) - lengthOf(a) || a - b);
  let tokenCount = lengths.reduce((sum, length) => sum + length, 0);
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

/** Each to the shorter of two, in order; a single one to the first. */
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

/** How many of the first lengths come nearest to a sum; one at least. */
function countOfShare(lengths: readonly number[], share: number): number {
  let sum = 0;
  const count = lengths.findIndex((length) => {
    sum += length;
    return sum - length / 2 > share;
  });
  return count === -1 ? lengths.length : Math.max(1, count);
}

/** The largest count from 1 to countMax that fits, if everything smaller than a fitting count also fits; 1 if none does. */
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
