/** The labels of a task's rows without their pictures and prompts: what verdicts of any judge are compared with. */
import type { Recipe, RowsSpec } from '../../recipes/recipe.ts';
import type { Example, QuarantinedRow } from '../example.ts';
import { readers } from './readers/table.ts';
import { excerptOf, rejectedRow, UnusableRow } from './reading.ts';
import { textField } from './rows/jsonl-row.ts';
import { attributeFields, attributesOf } from './rows/row-attributes.ts';
import { voteRows } from './rows/vote-rows.ts';
import { votedLabelOf } from './rows/voted-label.ts';
import { requireWhere } from './rows/where.ts';
import type { SourceFiles } from './sources/source-files.ts';
import { taskSpecOf } from './check-recipe.ts';

export interface LabelledRow extends Pick<Example, 'votes' | 'attributes'> {
  readonly id: string;
  readonly label: string;
  readonly score?: number;
  /** `fields.group`, else the id. */
  readonly groupKey: string;
}

export interface LabelledRows {
  /** In the order of the recipe's datasets; ids are unique. */
  readonly rows: readonly LabelledRow[];
  readonly quarantined: readonly QuarantinedRow[];
}

/** Labels are those of the published order, whatever `randomOrderSeed` says. Throws FILE_MISSING, FILE_UNREADABLE. */
export async function labelledRows(recipe: Recipe, task: string, files: SourceFiles): Promise<LabelledRows> {
  const spec = taskSpecOf(recipe, task, '--task');
  const rows = new Map<string, LabelledRow>();
  const quarantined: QuarantinedRow[] = [];
  for (const dataset of recipe.datasets) {
    if (dataset.reader === 'judge-world' || dataset.task !== task) continue;
    const found = readers[dataset.reader](files, dataset, attributeFields(spec));
    for await (const read of voteRows(found, dataset)) {
      try {
        if ('problem' in read) throw read.problem;
        requireWhere(read.values, dataset.where);
        const row = rowOf(read.values, dataset, spec);
        if (rows.has(row.id)) throw new UnusableRow('DUPLICATE_ID', `an earlier row has the id ${row.id}`);
        rows.set(row.id, row);
      } catch (error) {
        if (!(error instanceof UnusableRow)) throw error;
        const { source, row, text } = read;
        quarantined.push(rejectedRow({ source, row, excerpt: excerptOf(text()) }, error));
      }
    }
  }
  return { rows: [...rows.values()], quarantined };
}

function rowOf(
  values: Readonly<Record<string, unknown>>,
  dataset: RowsSpec,
  spec: Recipe['tasks'][string],
): LabelledRow {
  const id = textField(values, dataset.fields.id);
  const { group } = dataset.fields;
  return {
    ...{ id, ...votedLabelOf(values, dataset, spec), ...attributesOf(values, spec) },
    groupKey: group === undefined ? id : textField(values, group),
  };
}
