/** JSON Lines: one object per line. Blank lines are skipped. */
import { parseRow } from '../rows/jsonl-row.ts';
import { lineByteLengthMax, linesOf, type Line } from '../sources/lines.ts';
import { UnusableRow } from '../reading.ts';
import type { SourceFile } from '../sources/source-files.ts';
import { asUtf8 } from './encoding.ts';
import { keyField, numberedKey, type RowOrBroken } from './row.ts';
import { unpacked } from './unpacked.ts';

function isBlank({ bytes }: Line): boolean {
  // space, tab and CR
  return bytes?.every((byte) => byte === 32 || byte === 9 || byte === 13) ?? false;
}

/** The row in a JSON text, or the reason why it is broken. `bytes` is undefined if the text is too long. */
export function rowOfJson(source: string, row: number, bytes: Uint8Array | undefined): RowOrBroken {
  const text = (): string => new TextDecoder().decode(bytes?.subarray(0, 1000));
  try {
    if (bytes === undefined) throw new UnusableRow('ROW_UNREADABLE', `longer than ${lineByteLengthMax} bytes`);
    return { source, row, text, values: { [keyField]: numberedKey(source, row), ...parseRow(bytes) } };
  } catch (error) {
    if (error instanceof UnusableRow) return { source, row, text, problem: error };
    throw error;
  }
}

export async function* readJsonl(file: SourceFile): AsyncGenerator<RowOrBroken> {
  for await (const line of linesOf(asUtf8(unpacked(file)))) {
    if (!isBlank(line)) yield rowOfJson(file.name, line.number, line.bytes);
  }
}
