/** Chooses the examples of an evaluation that is limited to some of them. */
import { Rng } from '../../core/rng.ts';
import type { EvaluationSpec } from '../../recipes/fields/evaluation-fields.ts';

/**
 * At most `exampleCountMax` of a task's examples, in their order. Groups are taken whole, in an order drawn by seed, where
 * there is room for them: examples that belong together are asked together or not at all. The first group is always taken.
 */
export function chosenExamples<T>(
  examples: readonly T[],
  groupKeyOf: (example: T) => string,
  task: string,
  { exampleCountMax = Infinity, seed }: Pick<EvaluationSpec, 'exampleCountMax' | 'seed'>,
): readonly T[] {
  if (examples.length <= exampleCountMax) return examples;
  const sizes = new Map<string, number>();
  for (const key of examples.map(groupKeyOf)) sizes.set(key, (sizes.get(key) ?? 0) + 1);
  const chosen = new Set<string>();
  let count = 0;
  for (const [key, size] of new Rng('evaluated examples', seed, task).shuffle([...sizes])) {
    if (chosen.size > 0 && count + size > exampleCountMax) continue;
    chosen.add(key);
    count += size;
  }
  return examples.filter((example) => chosen.has(groupKeyOf(example)));
}
