/** Labels of people with their times, from the JSON Lines that the studio exports: one row for each example. */
import type { RowsSpec } from '../../../recipes/fields/dataset-fields.ts';
import type { TaskSpec } from '../../../recipes/recipe.ts';
import { UnusableRow, unusableOr } from '../../datasets/reading.ts';
import { readers } from '../../datasets/readers/table.ts';
import { listField, textField, valueAt } from '../../datasets/rows/jsonl-row.ts';
import type { SourceFiles } from '../../datasets/sources/source-files.ts';
import { isLabel } from '../../kinds/table.ts';

export interface GivenLabel {
  readonly rowId: string;
  /** Examples of one group share a picture or a prompt. */
  readonly groupKey: string;
  readonly by: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Whether the example was chosen at random, and not because judges are unsure of it. */
  readonly isRandom: boolean;
  readonly label: string;
}

/** As the studio writes them: ISO 8601, UTC. */
const isoTime = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?Z$/;

/** Labels, and in their place what is wrong with a row or a label. Throws FILE_MISSING, FILE_UNREADABLE. */
export async function* peopleLabels(
  path: string,
  spec: TaskSpec,
  files: SourceFiles,
): AsyncGenerator<GivenLabel | UnusableRow> {
  const fields = { id: 'example_id', images: [], prompt: ['people', 'example_group'], label: '' };
  const rows: RowsSpec = { reader: 'jsonl', task: '', split: 'test', path, fields, labelMap: {} };
  for await (const read of readers.jsonl(files, rows)) {
    if ('problem' in read) yield read.problem;
    else yield* labelsIn(read.values, spec);
  }
}

function* labelsIn(row: Readonly<Record<string, unknown>>, spec: TaskSpec): Generator<GivenLabel | UnusableRow> {
  const people = unusableOr(() => listField(row, 'people'));
  if (people instanceof UnusableRow) yield people;
  else for (const [i] of people.entries()) yield unusableOr(() => labelAt(row, `people.${String(i)}`, spec));
}

/** Throws UnusableRow. */
function labelAt(row: Readonly<Record<string, unknown>>, place: string, spec: TaskSpec): GivenLabel {
  const of = (name: string): string => textField(row, `${place}.${name}`);
  // A label that was changed was changed in sight of the judges' verdicts: the first one counts.
  const first = valueAt(row, `${place}.first`) === undefined ? '' : 'first.';
  const [rowId, groupKey] = [textField(row, 'example_id'), textField(row, 'example_group')];
  const given = { by: of('by'), at: of(`${first}at`), label: of(`${first}label`), isRandom: of('order') === 'random' };
  const what = `the label of ${rowId} by ${given.by}`;
  if (!isLabel(spec, given.label))
    throw new UnusableRow('LABEL_UNKNOWN', `${what} is ${given.label.slice(0, 60)}, which is not a label of the task`);
  if (!isoTime.test(given.at))
    throw new UnusableRow('ROW_UNREADABLE', `${what} has the time ${given.at.slice(0, 60)}, which is not a time`);
  return { ...given, rowId, groupKey };
}
