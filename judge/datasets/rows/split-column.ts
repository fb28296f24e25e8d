/** The split of each row, one byte a row: it may change until leaks have been dealt with. */
import { required } from '../../../core/assert.ts';
import type { Split } from '../../example.ts';
import type { RowFacts } from './row-facts.ts';

/** By rank: where a leak is, the example nearer to training gives way. */
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

  /** undefined for a row that was dropped. */
  at(row: number): Split | undefined {
    return splits[this.rank(row)];
  }

  drop(row: number): void {
    this.#ranks[row] = dropped;
  }
}
