/** Takes a label, and then shows what the judges said. */
import { MtrlError } from '../../core/errors.ts';
import { isLabel } from '../../judge/kinds/table.ts';
import { openDataset } from '../../pipeline/data/dataset-artifact.ts';
import { taskOf } from '../../pipeline/recipe-access.ts';
import type { GivenLabel, LabelAnswer } from '../api.ts';
import type { Library } from '../library.ts';
import { historyOf } from '../reading/history.ts';
import { datasetRefOf, openExperiment } from '../reading/open-experiment.ts';
import { putLabel } from './label-store.ts';
import type { PersonLabel } from './person-label.ts';

const noteLengthMax = 2_000;

/** Throws USAGE, NOT_FOUND. */
export async function giveLabel(
  library: Library,
  experimentId: string,
  { task, exampleIndex, label, order, note }: GivenLabel,
  by: string,
): Promise<LabelAnswer> {
  const experiment = await openExperiment(library, experimentId);
  const spec = taskOf(experiment.recipe, task);
  if (!isLabel(spec, label))
    throw new MtrlError('USAGE', `this is no label of ${task}`, {
      where: 'label',
      found: label,
      hint: spec.labels.join(', '),
    });
  if (note !== undefined && note.length > noteLengthMax)
    throw new MtrlError('USAGE', 'the note is too long', { where: 'note', found: `${String(note.length)} characters` });
  const dataset = await datasetRefOf(library, experiment);
  const history = await historyOf(library, experimentId, exampleIndex);
  if (history.example.task !== task)
    throw new MtrlError('USAGE', 'the example is of another task', { where: 'task', found: history.example.task });
  const [stored] = await (await openDataset(library.cache, dataset)).examplesAt([exampleIndex]);
  const given: PersonLabel = {
    ...{ schema: 1, experimentId, task, exampleIndex, exampleId: stored?.id ?? history.example.exampleId, dataset },
    ...{ label, by, at: new Date().toISOString(), order, ...(note !== undefined && note !== '' && { note }) },
  };
  return { kept: await putLabel(library.store, given), label: history.example.label, answers: history.answers };
}
