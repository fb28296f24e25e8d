/**
 * CSV and TSV with a header line. Records with more or fewer values than the header, or with invalid text, are broken.
 */
import type { RowsSpec } from '../../../recipes/recipe.ts';
import { UnusableRow } from '../reading.ts';
import type { SourceFile } from '../sources/source-files.ts';
import { columnNames } from './column-names.ts';
import { type CsvRecord, csvRecords } from './csv-records.ts';
import { decoded } from './encoding.ts';
import { keyField, numberedKey, type RowOrBroken, unreadable } from './row.ts';
import { unpacked } from './unpacked.ts';

type CsvSpec = Extract<RowsSpec, { reader: 'csv' }>;

async function* recordsOf(file: SourceFile, { encoding }: CsvSpec, delimiter: string): AsyncGenerator<CsvRecord> {
  try {
    yield* csvRecords(decoded(unpacked(file), encoding), delimiter);
  } catch (error) {
    throw unreadable(file.name, error);
  }
}

function problemOf(values: readonly string[], header: readonly string[]): UnusableRow | undefined {
  if (values.length !== header.length)
    return new UnusableRow('ROW_UNREADABLE', `${values.length} values for ${header.length} columns`);
  if (!values.some((value) => value.includes('\uFFFD'))) return undefined;
  return new UnusableRow('ROW_UNREADABLE', 'bytes that are invalid in this encoding: set `encoding` of the dataset');
}

export async function* readCsv(file: SourceFile, spec: RowsSpec): AsyncGenerator<RowOrBroken> {
  if (spec.reader !== 'csv') return;
  const delimiter = spec.delimiter ?? (/\.tsv(\.\w+)?$/i.test(file.name) ? '\t' : ',');
  let header: readonly string[] | undefined;
  for await (const { values: record, line } of recordsOf(file, spec, delimiter)) {
    if (header === undefined) {
      header = columnNames(record);
      continue;
    }
    const place = { source: file.name, row: line, text: () => record.join(delimiter) };
    const problem = problemOf(record, header);
    if (problem !== undefined) yield { ...place, problem };
    else {
      const values = Object.fromEntries(header.map((name, i) => [name, record[i] ?? '']));
      yield { ...place, values: { [keyField]: numberedKey(file.name, line), ...values } };
    }
  }
}
