import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../core/json.ts';
import { SplitColumn } from '../../judge/datasets/rows/split-column.ts';
import { makeSplits as makeSplitsOf, splitsOf } from '../../judge/datasets/joining/splits.ts';
import type { Example, Split } from '../../judge/example.ts';
import type { MadeSplit } from '../../recipes/fields/dataset-options.ts';
import { factsOf } from './facts-of.ts';

const shares = { train: 0.8, val: 0.1, test: 0.1, seed: 3 };

interface Sketch {
  readonly group: number;
  readonly image: number;
  readonly label: string;
  readonly task: string;
}

function examplesOf(sketches: readonly Sketch[]): Example[] {
  return sketches.map(({ group, image, label, task }, i) => ({
    ...{ id: `e${String(i)}`, task, split: 'train', images: [sha256(`image ${String(image)}`)], fields: {}, label },
    groupKey: `group ${String(group)}`,
  }));
}

function makeSplits(examples: readonly Example[], made: MadeSplit): Example[] {
  const facts = factsOf(examples, { split: made });
  const splits = new SplitColumn(facts);
  makeSplitsOf(facts, Uint32Array.from(examples.keys()), made, splits);
  return examples.map((example, row) => ({ ...example, split: splits.at(row) as Split }));
}

const sketch = fc.record({
  group: fc.integer({ min: 0, max: 60 }),
  image: fc.integer({ min: 0, max: 60 }),
  label: fc.constantFrom('yes', 'no'),
  task: fc.constantFrom('a', 'b'),
});

describe('splits by seed', () => {
  test('keep every group and every image in one split, for any tasks', () => {
    fc.assert(
      fc.property(fc.array(sketch, { minLength: 1, maxLength: 80 }), (sketches) => {
        const made = makeSplits(examplesOf(sketches), shares);
        const sides = new Map<string, string>();
        for (const { groupKey, images, split } of made) {
          for (const key of [groupKey, ...images]) {
            expect(sides.get(key) ?? split).toBe(split);
            sides.set(key, split);
          }
        }
      }),
    );
  });

  test('give every label of every task its share in every split', () => {
    const examples = examplesOf(
      Array.from({ length: 2000 }, (_, i) => ({
        ...{ group: i, image: Math.floor(i / 2), task: i % 4 < 2 ? 'a' : 'b', label: i % 10 === 0 ? 'yes' : 'no' },
      })),
    );
    const made = makeSplits(examples, shares);
    for (const [split, share] of [
      ['train', 0.8],
      ['val', 0.1],
      ['test', 0.1],
    ] as const) {
      for (const [task, label] of [
        ['a', 'yes'],
        ['a', 'no'],
        ['b', 'yes'],
        ['b', 'no'],
      ] as const) {
        const all = made.filter((one) => one.task === task && one.label === label);
        const inSplit = all.filter((one) => one.split === split);
        expect(Math.abs(inSplit.length - share * all.length)).toBeLessThanOrEqual(2);
      }
    }
  });

  test('are equal for equal seeds and differ for different ones', () => {
    const examples = examplesOf(
      Array.from({ length: 50 }, (_, i) => ({ group: i, image: i, label: 'yes', task: 'a' })),
    );
    expect(makeSplits(examples, shares)).toEqual(makeSplits(examples, shares));
    expect(makeSplits(examples, { ...shares, seed: 4 })).not.toEqual(makeSplits(examples, shares));
  });

  test('are empty without a share', () => {
    const halves = { train: 0.5, val: 0, test: 0.5, seed: 0 };
    expect(splitsOf(halves)).toEqual(['train', 'test']);
    const examples = examplesOf(
      Array.from({ length: 10 }, (_, i) => ({ group: i, image: i, label: 'yes', task: 'a' })),
    );
    expect(makeSplits(examples, halves).filter(({ split }) => split === 'val')).toEqual([]);
  });
});
