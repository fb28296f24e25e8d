/** Who reads each format, a line each; its fields have their line in recipes/fields/dataset-fields.ts. */
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

/** Rows of all that the dataset names. FILE_MISSING for a file or folder that is not there; FILE_UNREADABLE. */
type Reader = (files: SourceFiles, spec: RowsSpec) => AsyncIterable<RowOrBroken>;

export const readers: Readonly<Record<ReaderName, Reader>> = {
  jsonl: eachFile(readJsonl),
  json: eachFile(readJson),
  csv: eachFile(readCsv),
  parquet: eachFile(readParquet),
  tar: eachFile(readTar),
  zip: eachFile(readZip),
  folder: readFolder,
};

/** In order of name. */
function eachFile(read: FileReader): Reader {
  return async function* (files, spec) {
    for await (const file of filesNamed(files, spec.path)) yield* read(file, spec);
  };
}
