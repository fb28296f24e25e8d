/**
 * Leaks: images and texts that occur both in training and in test data. They are counted and listed, because they make
 * scores less meaningful; on request they are dropped or moved.
 */
import { required } from '../../../core/assert.ts';
import type { LeaksSpec } from '../../../recipes/fields/dataset-options.ts';
import { DisjointSets } from './disjoint-sets.ts';
import type { KeyColumn } from '../rows/key-column.ts';
import { nearHashes } from './near-hashes.ts';
import type { RowFacts } from '../rows/row-facts.ts';
import type { SplitColumn } from '../rows/split-column.ts';

export interface Leak {
  /**
   * image: the same bytes; near-image: images that look the same; text: the same text, of one of `leaks.textFields` or of a
   * candidate.
   */
  readonly kind: 'image' | 'near-image' | 'text';
  /**
   * Digest of the shared image, or of one of the near images; for text, of the text without case, punctuation and
   * spacing.
   */
  readonly sha256: string;
  /** near-image: differing bits of the 64-bit perceptual hashes. */
  readonly distance?: number;
  /**
   * Ids of the examples that show it: training first, then validation, then test; within a split, unseen tasks last.
   */
  readonly examples: readonly string[];
  /** Total number of examples, if the list omits some in its middle. */
  readonly exampleCount?: number;
}

/** A leak with row numbers instead of ids. */
export interface LeakingRows extends Omit<Leak, 'examples' | 'exampleCount'> {
  /** All rows, in the order of `Leak.examples`. */
  readonly rows: readonly number[];
}

export interface LeakQuestion {
  readonly spec: LeaksSpec;
  /** Out-of-distribution tasks: their texts must not occur in other tasks either, in any split. */
  readonly oodTasks: ReadonlySet<string>;
}

/** Longer lists of ids are reduced to their two ends. */
const listedCountMax = 1_000;

/** Bits of the sides on which a key occurs: the lowest three are the splits. */
const unseenBit = 8;
const seenBit = 16;
const splitBits = 7;

const isSplit = (sides: number): boolean => (sides & splitBits & ((sides & splitBits) - 1)) !== 0;
const isShared = (sides: number): boolean =>
  isSplit(sides) || (sides & (unseenBit | seenBit)) === (unseenBit | seenBit);

const bySha256 = (a: LeakingRows, b: LeakingRows): number => (a.sha256 < b.sha256 ? -1 : a.sha256 > b.sha256 ? 1 : 0);

/**
 * Finds images shared across splits, of any tasks, and texts shared across splits or between unseen and other tasks.
 * Exact images come first.
 */
export function findLeaks(facts: RowFacts, splits: SplitColumn, question: LeakQuestion): LeakingRows[] {
  const rows = new SidedRows(facts, splits, question.oodTasks);
  const { images, texts } = facts;
  const imageSides = rows.sidesOf(images);
  const exact = keysWhere(imageSides, isSplit);
  const near = nearSets(facts, imageSides, question);
  const rowsOfImage = rowsByKey(images, new Set([...exact, ...near.flatMap(({ keys }) => keys)]));
  const shared = texts ? keysWhere(rows.sidesOf(texts), isShared) : [];
  const rowsOfText = texts ? rowsByKey(texts, new Set(shared)) : new Map<number, readonly number[]>();
  const rowsOf = (by: ReadonlyMap<number, readonly number[]>, keys: readonly number[]): number[] =>
    rows.inOrder(distinct(keys.map((key) => by.get(key) ?? [])));
  return [
    ...exact
      .map((key): LeakingRows => ({
        kind: 'image',
        sha256: images.digests.digestAt(key),
        rows: rowsOf(rowsOfImage, [key]),
      }))
      .sort(bySha256),
    ...near
      .map(({ keys, distance }): LeakingRows => {
        const [sha256 = ''] = keys.map((key) => images.digests.digestAt(key)).sort();
        return { kind: 'near-image', sha256, distance, rows: rowsOf(rowsOfImage, keys) };
      })
      .sort(bySha256),
    ...shared
      .map((key): LeakingRows => {
        const sha256 = required(texts, 'texts').digests.digestAt(key);
        return { kind: 'text', sha256, rows: rowsOf(rowsOfText, [key]) };
      })
      .sort(bySha256),
  ];
}

/** Rows with their sides: the split, and whether the task is unseen. */
class SidedRows {
  readonly #facts: RowFacts;
  readonly #splits: SplitColumn;
  readonly #oodTasks: ReadonlySet<string>;

  constructor(facts: RowFacts, splits: SplitColumn, oodTasks: ReadonlySet<string>) {
    this.#facts = facts;
    this.#splits = splits;
    this.#oodTasks = oodTasks;
  }

  /** The sides of each key, as a bit set. */
  sidesOf(column: KeyColumn): Uint8Array {
    const sides = new Uint8Array(column.keyCount);
    column.each((row, key) => {
      const bits = (1 << this.#splits.rank(row)) | (this.#isUnseen(row) ? unseenBit : seenBit);
      sides[key] = (sides[key] ?? 0) | bits;
    });
    return sides;
  }

  /** Sorts ascending rows into the order of `Leak.examples`. */
  inOrder(rows: readonly number[]): number[] {
    const bySide: number[][] = [];
    for (const row of rows) (bySide[2 * this.#splits.rank(row) + (this.#isUnseen(row) ? 1 : 0)] ??= []).push(row);
    return bySide.flat();
  }

  #isUnseen(row: number): boolean {
    return this.#oodTasks.has(this.#facts.kindOf(row).task);
  }
}

/** The distinct rows, ascending. The rows of a single key already are. */
function distinct(lists: readonly (readonly number[])[]): readonly number[] {
  const [first = [], ...others] = lists;
  return others.length === 0 ? first : [...new Set(lists.flat())].sort((a, b) => a - b);
}

function keysWhere(sides: Uint8Array, holds: (sides: number) => boolean): number[] {
  const keys: number[] = [];
  sides.forEach((bits, key) => {
    if (holds(bits)) keys.push(key);
  });
  return keys;
}

function rowsByKey(column: KeyColumn, keys: ReadonlySet<number>): Map<number, readonly number[]> {
  const rows = new Map<number, number[]>([...keys].map((key) => [key, []]));
  if (keys.size > 0) column.each((row, key) => rows.get(key)?.push(row));
  return rows;
}

/** Sets of images that look the same and are on several sides, by their keys. */
function nearSets({ images, hashes }: RowFacts, sides: Uint8Array, { spec: { distanceMax } }: LeakQuestion) {
  if (distanceMax === undefined) return [];
  const hashed = [...sides].flatMap((bits, key) => {
    const hash = hashes.get(images.digests.digestAt(key));
    return hash === undefined ? [] : [{ hash, sides: bits & splitBits, key }];
  });
  return nearHashes(hashed, distanceMax).flatMap(({ items, distance }) => {
    // A single image on several sides is already an exact leak.
    if (items.length < 2) return [];
    return [{ keys: items.map((item) => required(hashed[item], 'a hashed image').key), distance }];
  });
}

/**
 * Applies the recipe's action to the leaks. The example nearer to training is changed, so that a test set keeps its
 * examples.
 */
export function resolveLeaks(
  facts: RowFacts,
  splits: SplitColumn,
  leaks: readonly LeakingRows[],
  action: LeaksSpec['action'],
): void {
  if (action === 'report' || leaks.length === 0) return;
  if (action === 'drop') drop(splits, leaks);
  else move(facts, splits, leaks);
}

function drop(splits: SplitColumn, leaks: readonly LeakingRows[]): void {
  const dropped = leaks.flatMap(({ rows }) => {
    const last = splits.rank(rows.at(-1) ?? 0);
    return rows.filter((row) => splits.rank(row) !== last);
  });
  for (const row of dropped) splits.drop(row);
}

function move(facts: RowFacts, splits: SplitColumn, leaks: readonly LeakingRows[]): void {
  const joined = new DisjointSets(facts.rowCount);
  for (const { rows } of leaks) for (const row of rows) joined.join(row, rows[0] ?? row);
  for (const column of [required(facts.taskGroups, 'group keys'), facts.images]) {
    const firstWith = new Int32Array(column.keyCount).fill(-1);
    column.each((row, key) => {
      const first = firstWith[key] ?? -1;
      if (first < 0) firstWith[key] = row;
      else joined.join(row, first);
    });
  }
  const ranks = new Uint8Array(facts.rowCount);
  for (let row = 0; row < facts.rowCount; row++) {
    const root = joined.rootOf(row);
    ranks[root] = Math.max(ranks[root] ?? 0, splits.rank(row));
  }
  const isLeaking = new Uint8Array(facts.rowCount);
  for (const { rows } of leaks) for (const row of rows) isLeaking[joined.rootOf(row)] = 1;
  for (let row = 0; row < facts.rowCount; row++) {
    const root = joined.rootOf(row);
    if (isLeaking[root] === 1) splits.setRank(row, ranks[root] ?? 0);
  }
}

/** Rows whose ids a leak lists. */
export function listedRows({ rows }: LeakingRows): readonly number[] {
  if (rows.length <= listedCountMax) return rows;
  return [...rows.slice(0, listedCountMax / 2), ...rows.slice(-listedCountMax / 2)];
}

/** Replaces the listed rows by their ids. */
export function namedLeak(leak: LeakingRows, idOf: (row: number) => string): Leak {
  const { rows, ...rest } = leak;
  const listed = listedRows(leak);
  return { ...rest, examples: listed.map(idOf), ...(listed.length < rows.length && { exampleCount: rows.length }) };
}
