/** The examples that an evaluation shows, each in every order of its kind. */
import { required } from '../../core/assert.ts';
import type { JudgedExample } from '../../judge/evaluation/metric.ts';
import type { Example } from '../../judge/example.ts';
import { ordersOf, otherOrders } from '../../judge/tasks/reorder.ts';
import type { EvaluationSpec } from '../../recipes/fields/evaluation-fields.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { EvaluationPlan } from '../../contract/activities.ts';
import type { OpenDataset } from '../data/dataset-artifact.ts';
import { chosenExamples } from './chosen-examples.ts';

/** An example in one order of its candidates. */
export interface Shown {
  readonly example: Example;
  /** Index into the dataset's examples; for a swapped pair, that of the stored pair. */
  readonly exampleIndex: number;
  /** Place of the order among those of the example; 0 for that of the row. */
  readonly order: number;
}

/** Examples of one task's split in the dataset, all or those that the evaluation chooses, each in every order of its kind. */
export async function shownOf(
  dataset: Pick<OpenDataset, 'rowsOf' | 'examplesAt'>,
  spec: TaskSpec,
  { task, split }: Pick<EvaluationPlan, 'task' | 'split'>,
  evaluation: Pick<EvaluationSpec, 'exampleCountMax' | 'seed'> = { seed: 0 },
): Promise<Shown[]> {
  const rows = await dataset.rowsOf(task, split);
  const examples = await dataset.examplesAt(rows);
  const stored = examples.map((example, i): Shown => ({
    ...{ example, exampleIndex: required(rows[i], 'a row'), order: 0 },
  }));
  return chosenExamples(stored, ({ example }) => example.groupKey, task, evaluation).flatMap((one) => [
    one,
    ...otherOrders(one.example, spec).map((example, k): Shown => ({ ...one, example, order: k + 1 })),
  ]);
}

/** The examples as judged; `judgments` are those of `shown`, in order. */
export function judgedOf(
  shown: readonly Shown[],
  spec: TaskSpec,
  judgments: readonly Pick<JudgedExample, 'judgment' | 'probabilities'>[],
): JudgedExample[] {
  const stored = new Map(shown.filter(({ order }) => order === 0).map((one) => [one.exampleIndex, one.example.id]));
  const orderOf = (example: Example, order: number) => required(ordersOf(example, spec)[order], 'the order shown');
  return shown.map(({ example, exampleIndex, order }, i): JudgedExample => {
    const { judgment, probabilities } = required(judgments[i], 'an answer to every prompt');
    return {
      ...{ example, judgment },
      ...(order > 0 && {
        reordered: { of: required(stored.get(exampleIndex), 'the stored example'), order: orderOf(example, order) },
      }),
      ...(probabilities && { probabilities }),
    };
  });
}
