/** Which examples of a step are shown in which order: pairs in both where the arm rewards agreement between them. */
import type { Example } from '../../judge/example.ts';
import { swapPair } from '../../judge/tasks/swap.ts';
import type { RlArm, TaskSpec } from '../../recipes/recipe.ts';

export interface ShownOrder {
  /** Into the dataset's examples. */
  readonly exampleIndex: number;
  readonly swapped?: true;
}

export function shownOrders(
  indices: readonly number[],
  kindOf: (exampleIndex: number) => TaskSpec['kind'],
  { reward }: RlArm,
): ShownOrder[] {
  return indices.flatMap((exampleIndex): ShownOrder[] => {
    const isMirrored = reward.consistencyWeight > 0 && kindOf(exampleIndex) === 'pairwise';
    return isMirrored ? [{ exampleIndex }, { exampleIndex, swapped: true }] : [{ exampleIndex }];
  });
}

/** The stored example in the order in which it was shown. */
export function shownExample(stored: Example, { swapped }: Pick<ShownOrder, 'swapped'>, { labels }: TaskSpec): Example {
  return swapped === true ? swapPair(stored, labels) : stored;
}
