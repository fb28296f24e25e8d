/** Finds the data of a recipe that is missing, before anything is read for good. */
import { MtrlError } from '../../core/errors.ts';
import { UnusableRow } from '../../judge/datasets/reading.ts';
import { readRows } from '../../judge/datasets/read-rows.ts';
import type { SourceFiles } from '../../judge/datasets/sources/source-files.ts';
import { dispensableDatasets } from '../../recipes/absent-data.ts';
import type { AbsentData } from '../../recipes/fields/absent-data-field.ts';
import type { Recipe, RowsSpec, TaskSpec } from '../../recipes/recipe.ts';
import { taskOf } from '../recipe-access.ts';

/** After this many rows without their pictures, all pictures count as missing. */
const probedRowCount = 200;
/** No such file, and rows published without their pictures. */
const absentCodes: readonly string[] = ['IMAGE_MISSING', 'FIELD_MISSING'];

/** By the index of the dataset. */
export async function findAbsent(recipe: Recipe, files: SourceFiles): Promise<Map<number, AbsentData>> {
  const absent = new Map<number, AbsentData>();
  for (const index of dispensableDatasets(recipe)) {
    const spec = recipe.datasets[index];
    if (spec === undefined || spec.reader === 'judge-world') continue;
    const reason = await reasonOf(spec, taskOf(recipe, spec.task), files);
    if (reason !== undefined) absent.set(index, { task: spec.task, path: spec.path, reason });
  }
  return absent;
}

/** Undefined if the files are there, and a row that can be used or whose problem is another than a missing picture. */
async function reasonOf(spec: RowsSpec, task: TaskSpec, files: SourceFiles): Promise<string | undefined> {
  let rowCount = 0;
  let first: string | undefined;
  try {
    for await (const readings of readRows(spec, task, files, new Set())) {
      for (const { outcome } of readings) {
        if (outcome instanceof UnusableRow && outcome.code === 'LEFT_OUT') continue;
        if (!(outcome instanceof UnusableRow) || !absentCodes.includes(outcome.code)) return undefined;
        first ??= outcome.message;
      }
      if (++rowCount >= probedRowCount) break;
    }
  } catch (error) {
    if (error instanceof MtrlError && error.code === 'FILE_MISSING') return error.message;
    throw error;
  }
  return first === undefined ? undefined : `none of the first ${rowCount} rows has what its task shows: ${first}`;
}
