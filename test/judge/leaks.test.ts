import { describe, expect, test } from 'vitest';
import { sha256 } from '../../core/json.ts';
import { findLeaks, type Leak, listedRows, namedLeak, resolveLeaks } from '../../judge/datasets/joining/leaks.ts';
import type { PerceptualHash } from '../../judge/datasets/joining/perceptual-hash.ts';
import { plainText } from '../../judge/datasets/sources/plain-text.ts';
import { SplitColumn } from '../../judge/datasets/rows/split-column.ts';
import type { Example, Split } from '../../judge/example.ts';
import type { LeaksSpec } from '../../recipes/fields/dataset-options.ts';
import { factsOf } from './facts-of.ts';

function example(id: string, split: Split, image: string, changes: Partial<Example> = {}): Example {
  return { id, task: 'shows', split, images: [sha256(image)], fields: {}, label: 'yes', groupKey: id, ...changes };
}

const oodTasks = new Set(['unseen']);

function leaksOf(
  examples: readonly Example[],
  changes: Partial<LeaksSpec> = {},
  hashes: readonly (readonly [string, PerceptualHash])[] = [],
): Leak[] {
  const leaks: LeaksSpec = { action: 'report', textFields: [], candidateTexts: true, ...changes };
  const facts = factsOf(examples, { leaks, hashes: hashes.map(([image, hash]) => [sha256(image), hash]) });
  const found = findLeaks(facts, new SplitColumn(facts), { spec: leaks, oodTasks });
  return found.map((leak) => namedLeak(leak, (row) => examples[row]?.id ?? ''));
}

/** The examples after the action, and the dropped rows. */
function resolved(examples: readonly Example[], action: LeaksSpec['action']) {
  const leaks: LeaksSpec = { action, textFields: [], candidateTexts: true };
  const facts = factsOf(examples, { leaks });
  const splits = new SplitColumn(facts);
  resolveLeaks(facts, splits, findLeaks(facts, splits, { spec: leaks, oodTasks }), action);
  const found = examples.map((one, row) => ({ ...one, split: splits.at(row) }));
  return {
    examples: found.filter((one): one is Example => one.split !== undefined),
    dropped: found.flatMap(({ split }, row) => (split === undefined ? [row] : [])),
  };
}

describe('detected leaks', () => {
  test('are the same bytes in two splits, of any tasks, but not in one split', () => {
    const examples = [
      example('test a', 'test', 'a', { task: 'other' }),
      example('train a', 'train', 'a'),
      example('train b', 'train', 'b'),
      example('train b too', 'train', 'b'),
      example('val c', 'val', 'c'),
      example('test c', 'test', 'c'),
    ];
    const leaks = leaksOf(examples);
    expect(leaks.map(({ kind, examples: ids }) => [kind, ids])).toEqual(
      expect.arrayContaining([
        ['image', ['train a', 'test a']],
        ['image', ['val c', 'test c']],
      ]),
    );
    expect(leaks.map((leak) => leak.sha256)).toEqual([sha256('a'), sha256('c')].sort());
  });

  test('are pictures that look the same, with their distance, if enabled', () => {
    const examples = [example('train a', 'train', 'a'), example('test b', 'test', 'b'), example('test c', 'test', 'c')];
    const hashes = [
      ['a', [7, 1]],
      ['b', [4, 1]],
      ['c', [0xffffffff, 1]],
    ] as const;
    expect(leaksOf(examples, {}, hashes)).toEqual([]);
    expect(leaksOf(examples, { distanceMax: 1 }, hashes)).toEqual([]);
    expect(leaksOf(examples, { distanceMax: 2 }, hashes)).toEqual([
      {
        kind: 'near-image',
        sha256: [sha256('a'), sha256('b')].sort()[0],
        distance: 2,
        examples: ['train a', 'test b'],
      },
    ]);
  });

  test('are texts that differ only in spelling, in two splits or in an unseen task and another', () => {
    const text = (caption: string) => ({ fields: { caption } });
    const examples = [
      example('train', 'train', 'a', text('A cat,  sitting!')),
      example('test', 'test', 'b', text('a cat sitting')),
      example('test dog', 'test', 'c', text('a dog')),
      example('unseen dog', 'test', 'd', { ...text('A dog.'), task: 'unseen' }),
      example('test cow', 'test', 'e', text('a cow')),
      example('test cow too', 'test', 'f', text('a cow')),
    ];
    expect(leaksOf(examples)).toEqual([]);
    const leaks = leaksOf(examples, { textFields: ['caption', 'prompt'] });
    expect(leaks.map(({ kind, examples: ids }) => [kind, ids])).toEqual(
      expect.arrayContaining([
        ['text', ['train', 'test']],
        ['text', ['test dog', 'unseen dog']],
      ]),
    );
    expect(leaks).toHaveLength(2);
    expect(plainText('  Ｄonald TRUMP: "Beksiński"\n')).toBe('donald trump beksiński');
  });
});

test('list the first and last of very many examples, and their number', () => {
  const rows = Array.from({ length: 5_000 }, (_, row) => row);
  const leak = { kind: 'image', sha256: 'a', rows } as const;
  expect(listedRows(leak)).toHaveLength(1_000);
  const { examples, exampleCount } = namedLeak(leak, String);
  expect([examples[0], examples[499], examples[500], examples.at(-1)]).toEqual(['0', '499', '4500', '4999']);
  expect(exampleCount).toBe(5_000);
});

describe('the action on a leak', () => {
  const examples = [
    example('train a', 'train', 'a', { groupKey: 'g' }),
    example('train b', 'train', 'b', { groupKey: 'g' }),
    example('train c', 'train', 'c'),
    example('val a', 'val', 'a'),
    example('test a', 'test', 'a'),
  ];
  test('report changes nothing', () => {
    expect(resolved(examples, 'report')).toEqual({ examples, dropped: [] });
  });

  test('drop removes the leak from all splits but the last', () => {
    const left = resolved(examples, 'drop');
    expect(left.examples.map(({ id }) => id)).toEqual(['train b', 'train c', 'test a']);
    expect(left.dropped).toEqual([0, 3]);
    expect(leaksOf(left.examples)).toEqual([]);
  });

  test('move moves the whole group and leaves no leak', () => {
    const left = resolved(examples, 'move');
    expect(left.dropped).toEqual([]);
    expect(left.examples.map(({ split }) => split)).toEqual(['test', 'test', 'train', 'test', 'test']);
    expect(leaksOf(left.examples)).toEqual([]);
  });
});
