/**
 * The order in which a step shows its examples: both orders of their kind if the arm rewards agreement between them.
 */
import { required } from '../../core/assert.ts';
import type { Example } from '../../judge/example.ts';
import { kindOf } from '../../judge/kinds/table.ts';
import { otherOrders } from '../../judge/tasks/reorder.ts';
import type { RlArm, TaskSpec } from '../../recipes/recipe.ts';

export interface ShownOrder {
  /** Index into the dataset's examples. */
  readonly exampleIndex: number;
  readonly swapped?: true;
}

export function shownOrders(
  indices: readonly number[],
  kindAt: (exampleIndex: number) => TaskSpec['kind'],
  { reward }: RlArm,
): ShownOrder[] {
  return indices.flatMap((exampleIndex): ShownOrder[] => {
    const isMirrored = reward.consistencyWeight > 0 && kindOf({ kind: kindAt(exampleIndex) }).orders.length > 1;
    return isMirrored ? [{ exampleIndex }, { exampleIndex, swapped: true }] : [{ exampleIndex }];
  });
}

/** The stored example in the order in which it was shown. */
export function shownExample(
  stored: Example,
  { swapped = false }: { readonly swapped?: boolean },
  task: TaskSpec,
): Example {
  return swapped ? required(otherOrders(stored, task)[0], `another order of ${stored.id}`) : stored;
}
