/** The reader of each format; the recipe fields of each format are in recipes/fields/dataset-fields.ts. */
import type { ReaderName } from '../../../recipes/fields/dataset-fields.ts';
import type { RowsSpec } from '../../../recipes/recipe.ts';
import { filesNamed } from '../sources/glob.ts';
import type { SourceFiles } from '../sources/source-files.ts';
import { readCsv } from './csv.ts';
import { readFolder } from './folder.ts';
import { readJson } from './json.ts';
import { readJsonl } from './jsonl.ts';
import { readParquet } from './parquet.ts';
import type { FileReader, RowOrBroken } from './row.ts';
import { readTar } from './tar.ts';
import { readZip } from './zip.ts';

/**
 * Reads the rows of all files that the dataset names. `taskFields` are row fields that only its task uses. FILE_MISSING
 * for a missing file or folder; FILE_UNREADABLE.
 */
type Reader = (files: SourceFiles, spec: RowsSpec, taskFields?: readonly string[]) => AsyncIterable<RowOrBroken>;

export const readers: Readonly<Record<ReaderName, Reader>> = {
  jsonl: eachFile(readJsonl),
  json: eachFile(readJson),
  csv: eachFile(readCsv),
  parquet: eachFile(readParquet),
  tar: eachFile(readTar),
  zip: eachFile(readZip),
  folder: readFolder,
};

/** Reads the files in order of name. */
function eachFile(read: FileReader): Reader {
  return async function* (files, spec, taskFields = []) {
    for await (const file of filesNamed(files, spec.path)) yield* read(file, spec, taskFields);
  };
}
