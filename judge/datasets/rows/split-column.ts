/** The split of each row, one byte per row; it may change until leaks are resolved. */
import { required } from '../../../core/assert.ts';
import type { Split } from '../../example.ts';
import type { RowFacts } from './row-facts.ts';

/** Splits by rank: of the examples of a leak, those nearer to training (lower rank) are changed. */
const splits: readonly Split[] = ['train', 'val', 'test'];
const dropped = splits.length;

export function rankOf(split: Split): number {
  return splits.indexOf(split);
}

export class SplitColumn {
  readonly #ranks: Uint8Array;

  constructor(facts: RowFacts) {
    this.#ranks = Uint8Array.from({ length: facts.rowCount }, (_, row) => rankOf(facts.kindOf(row).split));
  }

  rank(row: number): number {
    return required(this.#ranks[row], `row ${row}`);
  }

  setRank(row: number, rank: number): void {
    this.#ranks[row] = rank;
  }

  /** The split, or undefined for a dropped row. */
  at(row: number): Split | undefined {
    return splits[this.rank(row)];
  }

  drop(row: number): void {
    this.#ranks[row] = dropped;
  }
}
