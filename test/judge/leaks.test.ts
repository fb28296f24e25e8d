import { describe, expect, test } from 'vitest';
import { findLeaks, plainText, resolveLeaks, type LeakQuestion } from '../../judge/datasets/leaks.ts';
import type { PerceptualHash } from '../../judge/datasets/perceptual-hash.ts';
import type { Example, Split } from '../../judge/example.ts';

function example(id: string, split: Split, image: string, changes: Partial<Example> = {}): Example {
  return { id, task: 'shows', split, images: [image], fields: {}, label: 'yes', groupKey: id, ...changes };
}

const question = (
  changes: Partial<LeakQuestion['spec']> = {},
  hashes: readonly (readonly [string, PerceptualHash])[] = [],
): LeakQuestion => ({
  spec: { action: 'report', textFields: [], ...changes },
  oodTasks: new Set(['unseen']),
  hashes: new Map(hashes),
});

describe('leaks that are found', () => {
  test('the same bytes in two splits, of whatever tasks; not in one split', () => {
    const examples = [
      example('test a', 'test', 'a', { task: 'other' }),
      example('train a', 'train', 'a'),
      example('train b', 'train', 'b'),
      example('train b too', 'train', 'b'),
      example('val c', 'val', 'c'),
      example('test c', 'test', 'c'),
    ];
    expect(findLeaks(examples, question()).map(({ kind, examples: ids }) => [kind, ids])).toEqual([
      ['image', ['train a', 'test a']],
      ['image', ['val c', 'test c']],
    ]);
  });

  test('pictures that look the same, with their distance, only when asked for', () => {
    const examples = [example('train a', 'train', 'a'), example('test b', 'test', 'b'), example('test c', 'test', 'c')];
    const hashes = [
      ['a', [7, 1]],
      ['b', [4, 1]],
      ['c', [0xffffffff, 1]],
    ] as const;
    expect(findLeaks(examples, question({}, hashes))).toEqual([]);
    expect(findLeaks(examples, question({ distanceMax: 1 }, hashes))).toEqual([]);
    expect(findLeaks(examples, question({ distanceMax: 2 }, hashes))).toEqual([
      { kind: 'near-image', sha256: 'a', distance: 2, examples: ['train a', 'test b'] },
    ]);
  });

  test('one text written differently, in two splits or in an unseen task and another', () => {
    const text = (caption: string) => ({ fields: { caption } });
    const examples = [
      example('train', 'train', 'a', text('A cat,  sitting!')),
      example('test', 'test', 'b', text('a cat sitting')),
      example('test dog', 'test', 'c', text('a dog')),
      example('unseen dog', 'test', 'd', { ...text('A dog.'), task: 'unseen' }),
      example('test cow', 'test', 'e', text('a cow')),
      example('test cow too', 'test', 'f', text('a cow')),
    ];
    expect(findLeaks(examples, question())).toEqual([]);
    const leaks = findLeaks(examples, question({ textFields: ['caption', 'prompt'] }));
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

describe('what is done about a leak', () => {
  const examples = [
    example('train a', 'train', 'a', { groupKey: 'g' }),
    example('train b', 'train', 'b', { groupKey: 'g' }),
    example('train c', 'train', 'c'),
    example('val a', 'val', 'a'),
    example('test a', 'test', 'a'),
  ];
  const leaks = findLeaks(examples, question());

  test('report changes nothing', () => {
    expect(resolveLeaks(examples, leaks, 'report')).toEqual({ examples, dropped: [] });
  });

  test('drop takes it from everything but the last split', () => {
    const resolved = resolveLeaks(examples, leaks, 'drop');
    expect(resolved.examples.map(({ id }) => id)).toEqual(['train b', 'train c', 'test a']);
    expect(resolved.dropped).toEqual([0, 3]);
    expect(findLeaks(resolved.examples, question())).toEqual([]);
  });

  test('move takes the whole group along and leaves no leak behind', () => {
    const resolved = resolveLeaks(examples, leaks, 'move');
    expect(resolved.dropped).toEqual([]);
    expect(resolved.examples.map(({ split }) => split)).toEqual(['test', 'test', 'train', 'test', 'test']);
    expect(findLeaks(resolved.examples, question())).toEqual([]);
  });
});
