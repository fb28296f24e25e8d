/** The training examples that few-shot prompts show with their answers. */
import { required } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';
import type { Example } from '../../judge/example.ts';
import type { EvaluationSpec } from '../../recipes/fields/evaluation-fields.ts';
import type { OpenDataset } from '../data/dataset-artifact.ts';

/** Examples among which shots are chosen, whatever the size of the dataset. */
const poolSizeMax = 512;

/**
 * `shotCount` training examples of a task by seed, of each label in turn as far as there are any, so that the shots
 * favour no label; in another order, so that labels do not take turns. Empty if the task has no training examples.
 */
export async function shotsOf(
  dataset: Pick<OpenDataset, 'rowsOf' | 'examplesAt'>,
  task: string,
  { shotCount, seed }: Pick<EvaluationSpec, 'shotCount' | 'seed'>,
): Promise<readonly Example[]> {
  const rng = new Rng('shots', seed, task);
  const rows = rng.shuffle((await dataset.rowsOf(task, 'train')).slice()).subarray(0, poolSizeMax);
  const pool = await dataset.examplesAt(rows);
  const labels = rng.shuffle([...new Set(pool.map(({ label }) => label))].sort());
  const byLabel = labels.map((label) => pool.filter((example) => example.label === label));
  const shots: Example[] = [];
  for (let turn = 0; shots.length < shotCount && byLabel.some((examples) => examples.length > turn); turn++)
    for (const examples of byLabel)
      if (turn < examples.length && shots.length < shotCount) shots.push(required(examples[turn], 'an example'));
  return rng.shuffle(shots);
}
