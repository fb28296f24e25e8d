/** Rows of a JSONL file as somebody published it, which lies beside the project where it is present. */
import { existsSync, readFileSync } from 'node:fs';
import { MtrlError } from '../core/errors.ts';

/** FILE_MISSING. The type of the rows is not checked. */
export function publishedRows<Row>(file: string, hint: string): Row[] {
  if (!existsSync(file)) throw new MtrlError('FILE_MISSING', 'the published rows are not there', { where: file, hint });
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Row);
}
