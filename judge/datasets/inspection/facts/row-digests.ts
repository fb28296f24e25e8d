/** Counts rows that equal an earlier row in all of their fields. */
import { createHash, type Hash } from 'node:crypto';
import { DigestTable } from '../../../../core/digest-table.ts';
import { ImageFile, keyField } from '../../readers/row.ts';
import type { Row } from '../../rows/jsonl-row.ts';

/** Later rows are not compared. */
const comparedRowMax = 1_000_000;

export class RowDigests {
  readonly #digests = new DigestTable(10);
  repeatedCount = 0;
  comparedCount = 0;

  add(row: Row): void {
    if (this.comparedCount >= comparedRowMax) return;
    this.comparedCount++;
    const hash = createHash('sha256');
    for (const [name, value] of Object.entries(row)) if (name !== keyField) write(hash, [name, value]);
    const before = this.#digests.size;
    this.#digests.add(hash.digest());
    if (this.#digests.size === before) this.repeatedCount++;
  }
}

function write(hash: Hash, value: unknown): void {
  if (value instanceof Uint8Array) hash.update(value);
  else if (value instanceof ImageFile) hash.update(value.file.name);
  else if (typeof value === 'object' && value !== null) {
    hash.update('(');
    for (const [name, member] of Object.entries(value)) {
      hash.update(`${name}:`);
      write(hash, member);
    }
    hash.update(')');
  } else hash.update(`${typeof value} ${String(value)};`);
}
