/** The output of every reader: rows of named values. A new format is one more function from a file to such rows. */
import { MtrlError } from '../../../core/errors.ts';
import type { RowsSpec } from '../../../recipes/recipe.ts';
import type { UnusableRow } from '../reading.ts';
import { exactNumber } from '../rows/exact-json.ts';
import type { SourceFile } from '../sources/source-files.ts';

/**
 * Field with every row's key: the sample's name in an archive, the path in a folder, the member's name in a JSON
 * object, else file and row number.
 */
export const keyField = '__key__';

export interface Row {
  /** The file's name. */
  readonly source: string;
  /** 1-based line, or position in the file's order. */
  readonly row: number;
  /** JSON values, bytes, `ImageFile`s, and lists and objects of them. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The original text of the row, for the quarantine table. */
  readonly text: () => string;
}

/** A row that could not be read. */
export interface BrokenRow {
  readonly source: string;
  readonly row: number;
  readonly text: () => string;
  readonly problem: UnusableRow;
}

export type RowOrBroken = Row | BrokenRow;

/** Rows of one file, in its order. FILE_UNREADABLE if the number of rows cannot be determined. */
export type FileReader = (
  file: SourceFile,
  spec: RowsSpec,
  taskFields: readonly string[],
) => AsyncIterable<RowOrBroken>;

/** An image in a separate file. */
export class ImageFile {
  readonly file: SourceFile;

  constructor(file: SourceFile) {
    this.file = file;
  }
}

/** Key of a numbered row: `rows.csv:12`. */
export function numberedKey(source: string, row: number): string {
  return `${source.slice(source.lastIndexOf('/') + 1)}:${row}`;
}

const excerptLength = 400;

/** Values as JSON, with lengths in place of bytes, cut to the length of an excerpt. */
export function valuesText(values: Readonly<Record<string, unknown>>): string {
  const short = (_: string, value: unknown): unknown => {
    if (typeof value === 'bigint') return exactNumber(value);
    if (value instanceof Uint8Array) return `<${value.byteLength} bytes>`;
    if (value instanceof ImageFile) return value.file.name;
    return typeof value === 'string' ? value.slice(0, excerptLength) : value;
  };
  return JSON.stringify(values, short).slice(0, excerptLength);
}

export function unreadable(where: string, problem: unknown): MtrlError {
  if (problem instanceof MtrlError) return problem;
  const found = problem instanceof Error ? problem.message : String(problem);
  return new MtrlError('FILE_UNREADABLE', 'the file cannot be read in the format that the recipe declares', {
    where,
    found: found.replace(/\s+/g, ' ').slice(0, 300),
    hint: 'download it again if it was truncated or changed in transit; otherwise use the reader for its format',
    cause: problem,
  });
}
