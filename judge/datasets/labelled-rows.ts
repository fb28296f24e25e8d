/** The labels of a task's rows without their pictures and prompts: what verdicts of any judge are compared with. */
import type { Recipe, RowsSpec } from '../../recipes/recipe.ts';
import type { Example, QuarantinedRow } from '../example.ts';
import { candidateCountOf } from '../kinds/candidate-count.ts';
import { readers } from './readers/table.ts';
import { excerptOf, rejectedRow, UnusableRow } from './reading.ts';
import { expandedRows } from './rows/expanded-rows.ts';
import { type Row, textField } from './rows/jsonl-row.ts';
import { attributeFields, attributesOf } from './rows/row-attributes.ts';
import { candidatesIn, type RowCandidate } from './rows/row-candidates.ts';
import { imagesIn } from './rows/row-images.ts';
import { voteRows } from './rows/vote-rows.ts';
import { votedLabelOf } from './rows/voted-label.ts';
import type { SourceFiles } from './sources/source-files.ts';
import { taskSpecOf } from './check-recipe.ts';

export interface LabelledRow extends Pick<Example, 'votes' | 'attributes'> {
  readonly id: string;
  readonly label: string;
  readonly score?: number;
  /** `fields.group`, else the id of the row in the file: what it ranks is one group. */
  readonly groupKey: string;
  /**
   * Of the text of each candidate, in UTF-16 code units: 0 for pictures. Absent if the row has no candidates, or not in
   * the fields that the dataset names.
   */
  readonly candidateLengths?: readonly number[];
}

export interface LabelledRows {
  /** In the order of the recipe's datasets; ids are unique. */
  readonly rows: readonly LabelledRow[];
  readonly quarantined: readonly QuarantinedRow[];
  /** Rows that the recipe leaves out on purpose. */
  readonly leftOutCount: number;
}

/** Labels are those of the published order, whatever `randomOrderSeed` says. Throws FILE_MISSING, FILE_UNREADABLE. */
export async function labelledRows(recipe: Recipe, task: string, files: SourceFiles): Promise<LabelledRows> {
  const spec = taskSpecOf(recipe, task, '--task');
  const rows = new Map<string, LabelledRow>();
  const quarantined: QuarantinedRow[] = [];
  let leftOutCount = 0;
  for (const dataset of recipe.datasets) {
    if (dataset.reader === 'judge-world' || dataset.task !== task) continue;
    const found = readers[dataset.reader](files, dataset, attributeFields(spec));
    for await (const read of voteRows(found, dataset)) {
      const attempt = <T>(action: () => T): T | undefined => {
        try {
          return action();
        } catch (error) {
          if (!(error instanceof UnusableRow)) throw error;
          const { source, row, text } = read;
          const rejected = rejectedRow({ source, row, excerpt: excerptOf(text()) }, error);
          if (rejected.code === 'LEFT_OUT') leftOutCount++;
          else quarantined.push(rejected);
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
  return { rows: [...rows.values()], quarantined, leftOutCount };
}

function rowOf(row: Row, from: Row, dataset: RowsSpec, spec: Recipe['tasks'][string]): LabelledRow {
  const { id, group } = dataset.fields;
  const candidateLengths = lengthsIn(row, dataset.fields, candidateCountOf(spec));
  return {
    ...{ id: textField(row, id), ...votedLabelOf(row, dataset, spec), ...attributesOf(row, spec) },
    groupKey: group === undefined ? textField(from, id) : textField(row, group),
    ...(candidateLengths && { candidateLengths }),
  };
}

/** Verdicts can be scored without the candidates, so that a file of labels alone is enough. */
function lengthsIn(
  row: Row,
  { images, candidates }: RowsSpec['fields'],
  count: ReturnType<typeof candidateCountOf>,
): readonly number[] | undefined {
  if (count === undefined) return undefined;
  try {
    const lengths = candidates === undefined ? pictureLengths(row, images) : textLengths(candidatesIn(row, candidates));
    return lengths.length >= count.min && lengths.length <= count.max ? lengths : undefined;
  } catch (error) {
    if (error instanceof UnusableRow) return undefined;
    throw error;
  }
}

function pictureLengths(row: Row, fields: readonly string[]): readonly number[] {
  const pictures = fields.flatMap((field) => imagesIn(row, field));
  return pictures.some(({ value }) => value === undefined) ? [] : pictures.map(() => 0);
}

function textLengths(candidates: readonly RowCandidate[]): readonly number[] {
  return candidates.map((parts) => parts.reduce((sum, part) => sum + ('text' in part ? part.text.length : 0), 0));
}
