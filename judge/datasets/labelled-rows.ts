/** The labels of a task's rows without their pictures and prompts: what verdicts of any judge are compared with. */
import type { Recipe, RowsSpec } from '../../recipes/recipe.ts';
import type { QuarantinedRow } from '../example.ts';
import { readers } from './readers/table.ts';
import { excerptOf, rejectedRow, UnusableRow } from './reading.ts';
import { expandedRows } from './rows/expanded-rows.ts';
import { type Row, textField } from './rows/jsonl-row.ts';
import { labelOf } from './rows/label.ts';
import type { SourceFiles } from './sources/source-files.ts';
import { taskSpecOf } from './check-recipe.ts';

export interface LabelledRow {
  readonly id: string;
  readonly label: string;
  readonly score?: number;
  /** `fields.group`, else the id of the row in the file: what it ranks is one group. */
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
    for await (const read of readers[dataset.reader](files, dataset)) {
      const attempt = <T>(action: () => T): T | undefined => {
        try {
          return action();
        } catch (error) {
          if (!(error instanceof UnusableRow)) throw error;
          const { source, row, text } = read;
          quarantined.push(rejectedRow({ source, row, excerpt: excerptOf(text()) }, error));
          return undefined;
        }
      };
      const expanded = attempt(() => {
        if ('problem' in read) throw read.problem;
        return expandedRows(read.values, dataset).map((row) => ({ row, from: read.values }));
      });
      for (const { row, from } of expanded ?? [])
        attempt(() => {
          const labelled = rowOf(row, from, dataset, spec);
          if (rows.has(labelled.id)) throw new UnusableRow('DUPLICATE_ID', `an earlier row has the id ${labelled.id}`);
          rows.set(labelled.id, labelled);
        });
    }
  }
  return { rows: [...rows.values()], quarantined };
}

function rowOf(row: Row, from: Row, dataset: RowsSpec, spec: Recipe['tasks'][string]): LabelledRow {
  const { id, group } = dataset.fields;
  const groupKey = group === undefined ? textField(from, id) : textField(row, group);
  return { id: textField(row, id), ...labelOf(row, dataset, spec), groupKey };
}
