import { describe, expect, test } from 'vitest';
import { chosenExamples } from '../../pipeline/asking/chosen-examples.ts';

const pairs = Array.from({ length: 100 }, (_, i) => ({ id: i, group: `pair ${String(i >> 1)}` }));
const chosen = (exampleCountMax: number | undefined, seed = 0, task = 'pairs') =>
  chosenExamples(pairs, ({ group }) => group, task, { exampleCountMax, seed });

describe('examples of a limited evaluation', () => {
  test('are all without a limit, and where the limit is no smaller', () => {
    expect(chosen(undefined)).toEqual(pairs);
    expect(chosen(100)).toEqual(pairs);
  });

  test('keep groups whole and their order', () => {
    const some = chosen(31);
    expect(some).toHaveLength(30);
    expect(new Set(some.map(({ group }) => group)).size).toBe(15);
    expect(some).toEqual(pairs.filter((pair) => some.includes(pair)));
  });

  test('are drawn by seed and task', () => {
    expect(chosen(30)).toEqual(chosen(30));
    expect(chosen(30, 1)).not.toEqual(chosen(30));
    expect(chosen(30, 0, 'other')).not.toEqual(chosen(30));
  });

  test('are one group at least, however large', () => {
    expect(chosen(1)).toHaveLength(2);
  });

  test('leave out what does not fit, and fill up with smaller groups', () => {
    const groups = ['large', 'large', 'large', 'a', 'b', 'c'];
    for (let seed = 0; seed < 20; seed++) {
      const some = chosenExamples(groups, (group) => group, 'task', { exampleCountMax: 3, seed });
      expect(some).toHaveLength(3);
    }
  });
});
