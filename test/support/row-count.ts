/** Number of rows in a small file, determined independently of the readers. */
import { parquetMetadata } from 'hyparquet';

/** undefined if a broken file cannot be counted independently: archives, and JSON that JSON.parse rejects. */
export function rowCountIn(reader: string, bytes: Uint8Array): number | undefined {
  const text = Buffer.from(bytes).toString('latin1');
  if (reader === 'jsonl') return text.split('\n').filter((line) => /[^ \t\r]/.test(line)).length;
  if (reader === 'csv') return csvRowCount(bytes);
  if (reader === 'parquet') return Number(parquetMetadata(new Uint8Array(bytes).buffer).num_rows);
  return reader === 'json' ? jsonRowCount(text) : undefined;
}

/** One value: in quotes, with whatever follows them, or plain. */
const value = String.raw`(?:"(?:[^"]|"")*"[^,\r\n]*|[^",\r\n][^,\r\n]*|)`;
const record = new RegExp(`(${value}(?:,${value})*)(?:\r\n|\r|\n|$)`, 'g');

function csvRowCount(bytes: Uint8Array): number {
  const records = [...new TextDecoder().decode(bytes).matchAll(record)].filter(([, text = '']) => text.trim() !== '');
  return Math.max(0, records.length - 1);
}

function jsonRowCount(text: string): number | undefined {
  try {
    return Object.keys(JSON.parse(text) as object).length;
  } catch {
    return undefined;
  }
}
