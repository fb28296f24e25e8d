/**
 * Joins micro-batches of several requests where no bit of either depends on it: the rows of a product and of a sum are
 * computed alike however many there are, as long as each has as many terms, padding included.
 */
import type { TrainGroup } from '../../../engine.ts';
import { cellSizes } from './pack-cells.ts';
import { groupLengths, hasKept } from './pack-groups.ts';

interface Joining {
  readonly groupsOf: (indices: readonly number[]) => readonly TrainGroup[];
  /** Number of groups like these that one call should have at most; asked once for each shape. */
  readonly countMaxOf: (indices: readonly number[]) => number;
  /** Whether these groups fit into memory together. */
  readonly fits: (indices: readonly number[]) => boolean;
}

/** @param batches indices of the groups of each micro-batch */
export function joinBatches(
  batches: readonly (readonly number[])[],
  { groupsOf, countMaxOf, fits }: Joining,
): (readonly number[])[] {
  const joined: (readonly number[])[] = [];
  /** Where the newest batch of each shape is, and how many groups it may have. */
  const open = new Map<string, { place: number; readonly countMax: number }>();
  for (const batch of batches) {
    const shape = shapeOf(groupsOf(batch));
    const known = shape === undefined ? undefined : open.get(shape);
    const together = [...(known === undefined ? [] : (joined[known.place] ?? [])), ...batch];
    if (known !== undefined && together.length <= known.countMax && fits(together)) {
      joined[known.place] = together;
      continue;
    }
    joined.push(batch);
    const place = joined.length - 1;
    if (known !== undefined) known.place = place;
    else if (shape !== undefined) open.set(shape, { place, countMax: countMaxOf(batch) });
  }
  return joined;
}

/** Numbers of terms in the sums of a micro-batch; undefined if it cannot be joined. */
function shapeOf(groups: readonly TrainGroup[]): string | undefined {
  const tokenCount = groups.reduce(
    (sum, { completions }) => sum + completions.reduce((own, { tokenIds }) => own + tokenIds.length, 0),
    0,
  );
  const sizes = groups.flatMap(({ prompt }) => prompt.images.map(({ height, width }) => `${height}x${width}`));
  const imageSizes = new Set(sizes);
  // A product of one row sums in another order than a product of several.
  if (tokenCount < 2 || hasKept(groups) || imageSizes.size > 1) return undefined;
  const { promptLength, length, groupSize } = cellSizes(groupLengths(groups));
  return [promptLength, length, groupSize, ...imageSizes].join();
}
