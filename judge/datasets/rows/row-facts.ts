/**
 * Facts about every row that are needed once all rows are read (duplicate ids, splits by seed, leaks), without the rows
 * themselves: digests and numbers, about 20 bytes per row, and more only for features that the recipe uses.
 */
import { createHash } from 'node:crypto';
import { assert, required } from '../../../core/assert.ts';
import { DigestTable } from '../../../core/digest-table.ts';
import { NumberColumn } from '../../../core/number-column.ts';
import type { Recipe } from '../../../recipes/recipe.ts';
import type { Example, Split } from '../../example.ts';
import { stratumOf } from '../../kinds/table.ts';
import { textsOf } from './field-texts.ts';
import { KeyColumn } from './key-column.ts';
import type { PerceptualHash } from '../joining/perceptual-hash.ts';
import { plainText } from '../sources/plain-text.ts';

/** Properties that many rows share, stored once per combination. */
export interface RowKind {
  readonly task: string;
  /** The label, or what stands for several (stratumOf). */
  readonly label: string;
  /** The reader's split; datasets that are split by seed get theirs once all rows are read. */
  readonly split: Split;
  readonly datasetIndex: number;
  readonly hasRationale: boolean;
}

const imageDigestLength = 32;
/** Full length, because a leak reports the digest of its text. */
const textDigestLength = 32;
/** Ids and group keys are compared but not shown: among 100 million, two share 80 bits with probability 4e-9. */
const keyDigestLength = 10;

/** The parts of a recipe that decide which facts are kept. */
interface FactsRecipe extends Pick<Recipe, 'leaks'> {
  readonly tasks?: Recipe['tasks'];
  readonly datasets: readonly {
    readonly split: Recipe['datasets'][number]['split'];
    readonly fields?: { readonly candidates?: unknown };
  }[];
}

export class RowFacts {
  readonly images = new KeyColumn(imageDigestLength);
  /** Hashes of the images, if the recipe asks for near duplicates; images of one colour have none. */
  readonly hashes = new Map<string, PerceptualHash>();
  /** Group keys; defined if a dataset is split by seed. */
  readonly groups: KeyColumn | undefined;
  /** Group keys, separate for each task; defined if leaks are moved. */
  readonly taskGroups: KeyColumn | undefined;
  /** Texts of `leaks.textFields` and of candidates; defined if the recipe compares such texts. */
  readonly texts: KeyColumn | undefined;
  readonly #tasks: Recipe['tasks'];
  readonly #textFields: readonly string[];
  readonly #comparesCandidates: boolean;
  #ids = new DigestTable(keyDigestLength);
  readonly #kinds: RowKind[] = [];
  readonly #kindIndices = new Map<string, number>();
  readonly #kindOfRow = new NumberColumn();

  constructor({ tasks = {}, datasets, leaks }: FactsRecipe) {
    this.#tasks = tasks;
    const isSplitHere = datasets.some(({ split }) => typeof split === 'object');
    this.groups = isSplitHere ? new KeyColumn(keyDigestLength) : undefined;
    this.taskGroups = leaks.action === 'move' ? new KeyColumn(keyDigestLength) : undefined;
    this.#comparesCandidates = leaks.candidateTexts && datasets.some(({ fields }) => fields?.candidates !== undefined);
    this.#textFields = leaks.textFields;
    this.texts = leaks.textFields.length > 0 || this.#comparesCandidates ? new KeyColumn(textDigestLength) : undefined;
  }

  get rowCount(): number {
    return this.#kindOfRow.length;
  }

  /** Adds the example. Returns false, and adds nothing, if an earlier row has the same id. */
  add(example: Example, datasetIndex: number): boolean {
    if (this.#ids.add(digestOf(example.id)) < this.rowCount) return false;
    assert(this.#ids.size === this.rowCount + 1, 'one id a row');
    const { task, groupKey, images } = example;
    this.#kindOfRow.push(this.#kindIndexOf(example, datasetIndex));
    this.images.addRow(images.map((digest) => Buffer.from(digest, 'hex')));
    this.groups?.addRow([digestOf(groupKey)]);
    this.taskGroups?.addRow([digestOf(`${task} ${groupKey}`)]);
    this.texts?.addRow(this.#textsOf(example).map(digestOf));
    return true;
  }

  #textsOf({ fields, candidates = [] }: Example): string[] {
    const compared = this.#comparesCandidates ? candidates.flat() : [];
    const texts = [
      ...this.#textFields.flatMap((name) => textsOf(fields, name)),
      ...compared.flatMap((part) => ('text' in part ? [part.text] : [])),
    ];
    return texts.map(plainText).filter((text) => text !== '');
  }

  /** Frees the memory of the ids; no row may be added afterwards. */
  end(): void {
    this.#ids = new DigestTable(keyDigestLength);
  }

  kindOf(row: number): RowKind {
    return required(this.#kinds[this.#kindOfRow.at(row) ?? -1], `row ${row}`);
  }

  #kindIndexOf({ task, label: own, split, rationale }: Example, datasetIndex: number): number {
    const spec = this.#tasks[task];
    const label = spec === undefined ? own : stratumOf(spec, own);
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
