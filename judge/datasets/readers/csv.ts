/**
 * CSV and TSV with a header line. Records with more or fewer values than the header, or with invalid text, are broken.
 */
import { Readable } from 'node:stream';
import { type Info, parse } from 'csv-parse';
import { MtrlError } from '../../../core/errors.ts';
import type { RowsSpec } from '../../../recipes/recipe.ts';
import { lineByteLengthMax } from '../sources/lines.ts';
import { UnusableRow } from '../reading.ts';
import type { SourceFile } from '../sources/source-files.ts';
import { keyField, numberedKey, type RowOrBroken, unreadable } from './row.ts';

type CsvSpec = Extract<RowsSpec, { reader: 'csv' }>;

const byteOrderMarks: readonly (readonly [readonly number[], CsvSpec['encoding']])[] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
];

/** Decodes the file piece by piece; bytes that are invalid in the encoding become U+FFFD. */
async function* decoded(file: SourceFile, encoding: CsvSpec['encoding']): AsyncGenerator<string> {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  for await (const piece of file.open()) {
    decoder ??= new TextDecoder(
      byteOrderMarks.find(([mark]) => mark.every((byte, i) => piece[i] === byte))?.[1] ?? encoding,
    );
    yield decoder.decode(piece, { stream: true });
  }
  yield decoder?.decode() ?? '';
}

interface CsvRecord {
  readonly record: readonly string[];
  readonly info: Info;
}

async function* recordsOf(file: SourceFile, { encoding }: CsvSpec, delimiter: string): AsyncGenerator<CsvRecord> {
  const parser = parse({
    delimiter,
    info: true,
    relax_column_count: true,
    // a quote within an unquoted value is literal
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: lineByteLengthMax,
  });
  const source = Readable.from(decoded(file, encoding)).on('error', (error) => parser.destroy(error));
  try {
    yield* source.pipe(parser) as AsyncIterable<CsvRecord>;
  } catch (error) {
    throw unreadable(file.name, error);
  } finally {
    source.destroy();
  }
}

function checkHeader(file: SourceFile, header: readonly string[]): void {
  const twice = header.find((name, i) => header.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new MtrlError('FILE_UNREADABLE', 'two columns have the same name', { where: file.name, found: twice });
}

function problemOf(record: readonly string[], header: readonly string[]): UnusableRow | undefined {
  if (record.length !== header.length)
    return new UnusableRow('ROW_UNREADABLE', `${record.length} values for ${header.length} columns`);
  if (!record.some((value) => value.includes('\uFFFD'))) return undefined;
  return new UnusableRow('ROW_UNREADABLE', 'bytes that are invalid in this encoding: set `encoding` of the dataset');
}

export async function* readCsv(file: SourceFile, spec: RowsSpec): AsyncGenerator<RowOrBroken> {
  if (spec.reader !== 'csv') return;
  const delimiter = spec.delimiter ?? (file.name.endsWith('.tsv') ? '\t' : ',');
  let header: readonly string[] | undefined;
  for await (const { record, info } of recordsOf(file, spec, delimiter)) {
    if (header === undefined) {
      header = record;
      checkHeader(file, header);
      continue;
    }
    // the line that the record ends on
    const place = { source: file.name, row: info.lines, text: () => record.join(delimiter) };
    const problem = problemOf(record, header);
    if (problem !== undefined) yield { ...place, problem };
    else {
      const values = Object.fromEntries(header.map((name, i) => [name, record[i] ?? '']));
      yield { ...place, values: { [keyField]: numberedKey(file.name, info.lines), ...values } };
    }
  }
}
