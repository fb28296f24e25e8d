/** The input of most metrics: an example's label and the judge's verdict, as classes. */
import type { Example, Judgment } from '../example.ts';
import type { KindedTask } from '../../recipes/fields/task-fields.ts';
import { classOf, isRight } from '../kinds/table.ts';

export interface Outcome {
  readonly label: string;
  /** Undefined if the completion is unparsable: a false negative of the label's class, and a false positive of none. */
  readonly predicted: string | undefined;
  /** Where outcomes count in parts; 1 if absent. */
  readonly weight?: number;
}

export function outcomeOf(example: Pick<Example, 'label'>, judgment: Judgment, task: KindedTask): Outcome {
  const label = classOf(task, example.label);
  if (!judgment.ok) return { label, predicted: undefined };
  return { label, predicted: isRight(task, judgment.verdict, example.label) ? label : classOf(task, judgment.verdict) };
}
