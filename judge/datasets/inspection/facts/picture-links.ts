/**
 * Which named pictures are tied together by rows that show several of them: a split may not part them. Pairs drawn from one
 * pool of pictures often are a single group.
 */
import { createHash } from 'node:crypto';
import { DigestTable } from '../../../../core/digest-table.ts';

/** Later pictures are groups of their own. */
const pictureCountMax = 1_000_000;
const digestLength = 10;

export class PictureLinks {
  readonly #names = new DigestTable(digestLength);
  readonly #parents: number[] = [];

  /** The pictures of one row. */
  add(names: readonly string[]): void {
    const [first, ...others] = names.flatMap((name) => this.#numberOf(name) ?? []);
    if (first === undefined) return;
    for (const other of others) {
      const [a, b] = [this.#rootOf(first), this.#rootOf(other)];
      this.#parents[Math.max(a, b)] = Math.min(a, b);
    }
  }

  /** The same for all pictures that are tied together. */
  groupOf(name: string): string {
    const number = this.#numberOf(name);
    return number === undefined ? name : String(this.#rootOf(number));
  }

  #numberOf(name: string): number | undefined {
    if (this.#names.size >= pictureCountMax) return undefined;
    const number = this.#names.add(createHash('sha256').update(name).digest());
    if (number === this.#parents.length) this.#parents.push(number);
    return number;
  }

  #rootOf(number: number): number {
    let at = number;
    for (let parent = this.#parents[at] ?? at; parent !== at; parent = this.#parents[at] ?? at) {
      const next = this.#parents[parent] ?? parent;
      this.#parents[at] = next;
      at = next;
    }
    return at;
  }
}
