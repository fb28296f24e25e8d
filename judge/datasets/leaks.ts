/** What a judge is trained on and tested with alike: counted and listed, because a score on it means less; dropped or moved on request. */
import { sha256 } from '../../core/json.ts';
import type { LeaksSpec } from '../../recipes/dataset-options.ts';
import { required } from '../../core/assert.ts';
import type { Example, Split } from '../example.ts';
import { DisjointSets } from './disjoint-sets.ts';
import { nearHashes } from './near-hashes.ts';
import type { PerceptualHash } from './perceptual-hash.ts';

export interface Leak {
  /** The same bytes; images that look the same; the same text in one of `leaks.textFields`. */
  readonly kind: 'image' | 'near-image' | 'text';
  /** Of the image that is shared or of one of the near ones; of the text without case, punctuation and spacing. */
  readonly sha256: string;
  /** near-image: bits of 64 in which the perceptual hashes differ. */
  readonly distance?: number;
  /** Ids of all examples that show it: training first, then validation, then test, unseen tasks last. */
  readonly examples: readonly string[];
}

export interface LeakQuestion {
  readonly spec: LeaksSpec;
  /** Out-of-distribution tasks: their texts must not be in other tasks either, whatever the split. */
  readonly oodTasks: ReadonlySet<string>;
  /** Of images by digest; asked for when `spec.distanceMax` is set. */
  readonly hashes?: ReadonlyMap<string, PerceptualHash>;
}

const sideBits: Readonly<Record<Split, number>> = { train: 1, val: 2, test: 4 };

/** Indices of the examples that have each key. */
function indexBy(examples: readonly Example[], keysOf: (example: Example) => Iterable<string>): Map<string, number[]> {
  const byKey = new Map<string, number[]>();
  examples.forEach((example, index) => {
    for (const key of new Set(keysOf(example))) {
      const known = byKey.get(key);
      if (known === undefined) byKey.set(key, [index]);
      else known.push(index);
    }
  });
  return byKey;
}

const bySha256 = (a: Leak, b: Leak): number => (a.sha256 < b.sha256 ? -1 : a.sha256 > b.sha256 ? 1 : 0);

/** Text as people would say that it is the same. */
export function plainText(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** Images across splits, of any tasks; texts across splits and between unseen tasks and others. Exact images first. */
export function findLeaks(examples: readonly Example[], question: LeakQuestion): Leak[] {
  const sideOf = (index: number): number => {
    const example = required(examples[index], 'an example');
    return 2 * rankOf(example) + (question.oodTasks.has(example.task) ? 1 : 0);
  };
  const idsOf = (indices: readonly number[]): string[] =>
    [...indices]
      .sort((a, b) => sideOf(a) - sideOf(b) || a - b)
      .map((index) => required(examples[index], 'an example').id);
  const splitsOf = (indices: readonly number[]): number =>
    indices.reduce((sides, index) => sides | sideBits[required(examples[index], 'an example').split], 0);
  const isSplit = (indices: readonly number[]): boolean => !Object.values(sideBits).includes(splitsOf(indices));

  const byImage = indexBy(examples, ({ images }) => images);
  const exact = [...byImage].flatMap(([digest, indices]): Leak[] =>
    isSplit(indices) ? [{ kind: 'image', sha256: digest, examples: idsOf(indices) }] : [],
  );
  const byText = indexBy(examples, ({ fields }) =>
    question.spec.textFields.map((name) => plainText(fields[name] ?? '')).filter((text) => text !== ''),
  );
  const isShared = (indices: readonly number[]): boolean => {
    const unseen = indices.filter((index) => question.oodTasks.has(required(examples[index], 'an example').task));
    return isSplit(indices) || (unseen.length > 0 && unseen.length < indices.length);
  };
  const texts = [...byText].flatMap(([text, indices]): Leak[] =>
    isShared(indices) ? [{ kind: 'text', sha256: sha256(text), examples: idsOf(indices) }] : [],
  );
  return [
    ...exact.sort(bySha256),
    ...nearLeaks(byImage, question, splitsOf, idsOf).sort(bySha256),
    ...texts.sort(bySha256),
  ];
}

function nearLeaks(
  byImage: ReadonlyMap<string, readonly number[]>,
  { spec, hashes }: LeakQuestion,
  splitsOf: (indices: readonly number[]) => number,
  idsOf: (indices: readonly number[]) => string[],
): Leak[] {
  if (spec.distanceMax === undefined || hashes === undefined) return [];
  const hashed = [...byImage].flatMap(([digest, indices]) => {
    const hash = hashes.get(digest);
    return hash === undefined ? [] : [{ hash, sides: splitsOf(indices), digest, indices }];
  });
  return nearHashes(hashed, spec.distanceMax).flatMap(({ items, distance }): Leak[] => {
    const images = items.map((item) => required(hashed[item], 'a hashed image'));
    // One image on both sides is an exact leak already.
    if (images.length < 2) return [];
    const [digest = ''] = images.map((image) => image.digest).sort();
    const indices = [...new Set(images.flatMap((image) => image.indices))];
    return [{ kind: 'near-image', sha256: digest, distance, examples: idsOf(indices) }];
  });
}

export interface ResolvedLeaks {
  /** In order, some of them in another split. */
  readonly examples: readonly Example[];
  /** Indices into the examples as they came. */
  readonly dropped: readonly number[];
}

const order: readonly Split[] = ['train', 'val', 'test'];
const rankOf = ({ split }: Example): number => order.indexOf(split);

/** What the recipe wants done about them. The example nearer to training gives way: a test keeps what it had. */
export function resolveLeaks(
  examples: readonly Example[],
  leaks: readonly Leak[],
  action: LeaksSpec['action'],
): ResolvedLeaks {
  if (action === 'report' || leaks.length === 0) return { examples, dropped: [] };
  const places = new Map(examples.map(({ id }, index) => [id, index]));
  const sets = leaks.map((leak) => leak.examples.map((id) => required(places.get(id), id)));
  return action === 'drop' ? drop(examples, sets) : move(examples, sets);
}

function drop(examples: readonly Example[], sets: readonly (readonly number[])[]): ResolvedLeaks {
  const dropped = new Set<number>();
  for (const indices of sets) {
    const ranks = indices.map((index) => rankOf(required(examples[index], 'an example')));
    const last = Math.max(...ranks);
    indices.forEach((index, i) => {
      if (ranks[i] !== last) dropped.add(index);
    });
  }
  return { examples: examples.filter((_, index) => !dropped.has(index)), dropped: [...dropped].sort((a, b) => a - b) };
}

function move(examples: readonly Example[], sets: readonly (readonly number[])[]): ResolvedLeaks {
  const joined = new DisjointSets(examples.length);
  const groups = indexBy(examples, ({ task, groupKey, images }) => [`${task} ${groupKey}`, ...images]).values();
  for (const indices of [...sets, ...groups]) {
    for (const index of indices) joined.join(index, indices[0] ?? index);
  }
  const leaking = new Set(sets.flat().map((index) => joined.rootOf(index)));
  const moved = [...examples];
  for (const indices of joined.groups()) {
    if (!leaking.has(joined.rootOf(indices[0] ?? 0))) continue;
    const split = order[Math.max(...indices.map((index) => rankOf(required(examples[index], 'an example'))))] ?? 'test';
    for (const index of indices) moved[index] = { ...required(examples[index], 'an example'), split };
  }
  return { examples: moved, dropped: [] };
}
