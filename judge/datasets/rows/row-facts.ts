/**
 * What has to be known of every row until all rows are there (duplicate ids, splits by seed, leaks), without the rows:
 * digests and numbers, about 20 bytes a row, and more only for what the recipe asks for.
 */
import { createHash } from 'node:crypto';
import { assert, required } from '../../../core/assert.ts';
import { DigestTable } from '../../../core/digest-table.ts';
import { NumberColumn } from '../../../core/number-column.ts';
import type { Recipe } from '../../../recipes/recipe.ts';
import type { Example, Split } from '../../example.ts';
import { KeyColumn } from './key-column.ts';
import type { PerceptualHash } from '../joining/perceptual-hash.ts';
import { plainText } from '../sources/plain-text.ts';

/** What rows have in common that differ in their contents alone. */
export interface RowKind {
  readonly task: string;
  readonly label: string;
  /** As the reader said; datasets with made splits get theirs when all rows are there. */
  readonly split: Split;
  readonly datasetIndex: number;
  readonly hasRationale: boolean;
}

const imageDigestLength = 32;
/** A leak names the digest of its text. */
const textDigestLength = 32;
/** Ids and group keys are compared, not shown: of 100 million, two share 80 bits with a chance of 4e-9. */
const keyDigestLength = 10;

export class RowFacts {
  readonly images = new KeyColumn(imageDigestLength);
  /** Of the images, when the recipe asks for near duplicates; those of one colour have none. */
  readonly hashes = new Map<string, PerceptualHash>();
  /** Group keys; when a dataset's splits are made. */
  readonly groups: KeyColumn | undefined;
  /** Group keys of each task by itself; when leaks are moved. */
  readonly taskGroups: KeyColumn | undefined;
  /** In the fields in which leaks are looked for; when there are any. */
  readonly texts: KeyColumn | undefined;
  readonly #textFields: readonly string[];
  #ids = new DigestTable(keyDigestLength);
  readonly #kinds: RowKind[] = [];
  readonly #kindIndices = new Map<string, number>();
  readonly #kindOfRow = new NumberColumn();

  constructor({ datasets, leaks }: Pick<Recipe, 'datasets' | 'leaks'>) {
    const isSplitHere = datasets.some(({ split }) => typeof split === 'object');
    this.groups = isSplitHere ? new KeyColumn(keyDigestLength) : undefined;
    this.taskGroups = leaks.action === 'move' ? new KeyColumn(keyDigestLength) : undefined;
    this.texts = leaks.textFields.length > 0 ? new KeyColumn(textDigestLength) : undefined;
    this.#textFields = leaks.textFields;
  }

  get rowCount(): number {
    return this.#kindOfRow.length;
  }

  /** False, and nothing is added, when an earlier row has the same id. */
  add(example: Example, datasetIndex: number): boolean {
    if (this.#ids.add(digestOf(example.id)) < this.rowCount) return false;
    assert(this.#ids.size === this.rowCount + 1, 'one id a row');
    const { task, groupKey, fields, images } = example;
    this.#kindOfRow.push(this.#kindIndexOf(example, datasetIndex));
    this.images.addRow(images.map((digest) => Buffer.from(digest, 'hex')));
    this.groups?.addRow([digestOf(groupKey)]);
    this.taskGroups?.addRow([digestOf(`${task} ${groupKey}`)]);
    const texts = this.#textFields.map((name) => plainText(fields[name] ?? '')).filter((text) => text !== '');
    this.texts?.addRow(texts.map(digestOf));
    return true;
  }

  /** Gives the memory of the ids back: no row comes any more. */
  end(): void {
    this.#ids = new DigestTable(keyDigestLength);
  }

  kindOf(row: number): RowKind {
    return required(this.#kinds[this.#kindOfRow.at(row) ?? -1], `row ${row}`);
  }

  #kindIndexOf({ task, label, split, rationale }: Example, datasetIndex: number): number {
    const kind = { task, label, split, datasetIndex, hasRationale: rationale !== undefined };
    const key = JSON.stringify(Object.values(kind));
    const known = this.#kindIndices.get(key);
    if (known !== undefined) return known;
    this.#kindIndices.set(key, this.#kinds.length);
    return this.#kinds.push(kind) - 1;
  }
}

function digestOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
