/**
 * The order in which a step shows its examples: all orders of their kind if the arm rewards agreement between them.
 */
import { required } from '../../core/assert.ts';
import type { Example } from '../../judge/example.ts';
import { ordersOf, reordered } from '../../judge/tasks/reorder.ts';
import type { RlArm, TaskSpec } from '../../recipes/recipe.ts';

export interface ShownOrder {
  /** Index into the dataset's examples. */
  readonly exampleIndex: number;
  /** Set in another order than that of the row. */
  readonly swapped?: true;
  /** Place of the order among those of the example (judge/tasks/reorder.ts); absent for the first two. */
  readonly order?: number;
}

export function shownOrders(
  indices: readonly number[],
  exampleAt: (exampleIndex: number) => Example,
  taskOf: (task: string) => TaskSpec,
  { reward }: RlArm,
): ShownOrder[] {
  return indices.flatMap((exampleIndex): ShownOrder[] => {
    if (reward.consistencyWeight === 0) return [{ exampleIndex }];
    const example = exampleAt(exampleIndex);
    return ordersOf(example, taskOf(example.task)).map((_, order) => {
      return { exampleIndex, ...(order > 0 && { swapped: true }), ...(order > 1 && { order }) };
    });
  });
}

/** Place of the order among those of the example; 0 for that of the row. */
export function orderIndexOf({
  swapped = false,
  order,
}: {
  readonly swapped?: boolean;
  readonly order?: number;
}): number {
  return order ?? Number(swapped);
}

/** The stored example in the order in which it was shown. */
export function shownExample(
  stored: Example,
  shown: { readonly swapped?: boolean; readonly order?: number },
  task: TaskSpec,
): Example {
  const index = orderIndexOf(shown);
  if (index === 0) return stored;
  return reordered(
    stored,
    task.labels,
    required(ordersOf(stored, task)[index], `order ${index} of ${stored.id}`),
    index,
  );
}
