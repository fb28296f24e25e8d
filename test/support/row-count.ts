/** Number of rows in a small file, determined independently of the readers. */
import { parse } from 'csv-parse/sync';
import { parquetMetadata } from 'hyparquet';

/** undefined if a broken file cannot be counted independently: archives, and JSON that JSON.parse rejects. */
export function rowCountIn(reader: string, bytes: Uint8Array): number | undefined {
  const text = Buffer.from(bytes).toString('latin1');
  if (reader === 'jsonl') return text.split('\n').filter((line) => /[^ \t\r]/.test(line)).length;
  if (reader === 'csv') return csvRowCount(bytes);
  if (reader === 'parquet') return Number(parquetMetadata(new Uint8Array(bytes).buffer).num_rows);
  return reader === 'json' ? jsonRowCount(text) : undefined;
}

function csvRowCount(bytes: Uint8Array): number {
  const options = { relax_column_count: true, relax_quotes: true, skip_empty_lines: true, bom: true };
  return Math.max(0, parse(Buffer.from(bytes), options).length - 1);
}

function jsonRowCount(text: string): number | undefined {
  try {
    return Object.keys(JSON.parse(text) as object).length;
  } catch {
    return undefined;
  }
}
