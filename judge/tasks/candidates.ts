/** The candidates of an example, and which verdicts it allows. */
import type { Candidate, Example } from '../example.ts';
import type { KindTask, Labels } from '../kinds/kind.ts';
import { type KindName, kindOf } from '../kinds/table.ts';

type Compared = Pick<Example, 'candidates' | 'images'>;

/** Without explicit candidates, each image is one. */
export function candidatesOf({ candidates, images }: Compared): readonly Candidate[] {
  return candidates ?? images.map((_, image) => [{ image }]);
}

/** The task as it is for one example: with the labels that a verdict on it may have. */
export function ruleFor<T extends KindTask & { readonly kind: KindName }>(task: T, example: Compared): T {
  const labels = verdictLabels(task, example);
  return labels === task.labels ? task : { ...task, labels };
}

/** The labels that a verdict on this example may have: places beyond its last candidate are none. */
export function verdictLabels(task: KindTask & { readonly kind: KindName }, example: Compared): Labels {
  const kind = kindOf(task);
  return kind.verdictLabels?.(task.labels, candidatesOf(example).length) ?? task.labels;
}
