/** The keys of each row of a dataset (images, group or texts), stored as indices of their digests. */
import { DigestTable } from '../../../core/digest-table.ts';
import { NumberColumn } from '../../../core/number-column.ts';

export class KeyColumn {
  readonly digests: DigestTable;
  readonly #keys = new NumberColumn();
  /** End of each row's keys. Undefined while every row has exactly one key, as in most columns. */
  #ends: NumberColumn | undefined;
  #rowCount = 0;

  constructor(digestLength: number) {
    this.digests = new DigestTable(digestLength);
  }

  get keyCount(): number {
    return this.digests.size;
  }

  /** Adds a row; equal keys in it count once. */
  addRow(digests: readonly Uint8Array[]): void {
    const keys = new Set(digests.map((digest) => this.digests.add(digest)));
    if (keys.size !== 1) this.#ends ??= endsOfOneEach(this.#rowCount);
    for (const key of keys) this.#keys.push(key);
    this.#ends?.push(this.#keys.length);
    this.#rowCount++;
  }

  /** Visits every key of every row, in ascending order of rows. */
  each(visit: (row: number, key: number) => void): void {
    for (let row = 0, at = 0; row < this.#rowCount; row++) {
      const end = this.#ends === undefined ? at + 1 : (this.#ends.at(row) ?? 0);
      for (; at < end; at++) visit(row, this.#keys.at(at) ?? 0);
    }
  }
}

function endsOfOneEach(rowCount: number): NumberColumn {
  const ends = new NumberColumn();
  for (let row = 1; row <= rowCount; row++) ends.push(row);
  return ends;
}
