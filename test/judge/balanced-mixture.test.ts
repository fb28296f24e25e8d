import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../core/json.ts';
import { Mixture, type MixtureRequest, type PlannedStep, roundRows } from '../../judge/mixture/mixture.ts';
import type { MixtureSpec } from '../../recipes/fields/mixture-fields.ts';

/** Rows of two tasks in turn; of each ten rows of `a` nine are `no`, and of each four rows of `b` one is `x`. */
const rowsOf = (task: 'a' | 'b', count: number): Uint32Array =>
  Uint32Array.from({ length: count }, (_, i) => 2 * i + (task === 'a' ? 0 : 1));
const pools = new Map([
  ['b', rowsOf('b', 24)],
  ['a', rowsOf('a', 60)],
]);
const classOf = (row: number): string => {
  const i = row >> 1;
  if (row % 2 === 0) return i % 10 === 0 ? 'yes' : 'no';
  return ['x', 'y', 'z', 'z'][i % 4] as string;
};
const taskOf = (row: number): string => (row % 2 === 0 ? 'a' : 'b');

const strategies = ['union', 'uniform', 'temperature', 'weights'] as const;
const spec = (
  strategy: MixtureSpec['strategy'],
  exampleCountMax: MixtureSpec['exampleCountMax'] = {},
): MixtureSpec => ({
  ...{ strategy, temperature: 2, weights: { a: 1, b: 3 }, exampleCountMax },
});

function planned(stepCount: number, request: Partial<MixtureRequest>) {
  const mixture = new Mixture({ pools, seed: 11, exampleCountPerStep: 16, classOf, ...request });
  const steps = Array.from({ length: stepCount }, () => mixture.next());
  return { steps, places: mixture.places };
}

/** Rows by task and class: `a/yes` -> number. */
function counts(rows: Iterable<number>): Record<string, number> {
  const found: Record<string, number> = {};
  for (const row of rows) {
    const key = `${taskOf(row)}/${classOf(row)}`;
    found[key] = (found[key] ?? 0) + 1;
  }
  return found;
}

/** The largest difference between the counts of two classes of a task. */
function imbalance(rows: Iterable<number>): number {
  const found = counts(rows);
  const spread = (keys: readonly string[]): number => {
    const values = keys.map((key) => found[key] ?? 0);
    return Math.max(...values) - Math.min(...values);
  };
  return Math.max(spread(['a/yes', 'a/no']), spread(['b/x', 'b/y', 'b/z']));
}

const allRows = (steps: readonly PlannedStep[]): number[] => steps.flatMap(({ rows }) => [...rows]);

describe('balanced batches', () => {
  test.each(strategies)(
    '%s: labels of a task differ by at most one draw, in each step and up to each step',
    (strategy) => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 17 }), fc.integer({ min: 0, max: 99 }), (exampleCountPerStep, seed) => {
          const { steps } = planned(30, { exampleCountPerStep, seed, mixture: spec(strategy), reserveCountPerStep: 9 });
          for (const [step, { rows, reserve }] of steps.entries()) {
            expect(imbalance(rows)).toBeLessThanOrEqual(1);
            expect(imbalance(reserve)).toBeLessThanOrEqual(1);
            expect(imbalance(allRows(steps.slice(0, step + 1)))).toBeLessThanOrEqual(1);
          }
        }),
        { numRuns: 20 },
      );
    },
  );

  test('without it, a step has labels as the data does', () => {
    const mixture = new Mixture({ pools: new Map([['a', rowsOf('a', 60)]]), seed: 11, exampleCountPerStep: 16 });
    expect(counts(Array.from({ length: 15 }, () => [...mixture.next().rows]).flat())).toEqual({
      'a/yes': 24,
      'a/no': 216,
    });
  });

  test('a task keeps its share, whatever its labels', () => {
    const shareOfA = (strategy: MixtureSpec['strategy']): number =>
      allRows(planned(21, { mixture: spec(strategy) }).steps).filter((row) => taskOf(row) === 'a').length;
    expect(strategies.map(shareOfA)).toEqual([240, 168, 206, 84]);
  });

  test('each row of a class has its turn once before any has a second one', () => {
    const { steps } = planned(60, { mixture: spec('uniform') });
    const drawn = allRows(steps).filter((row) => taskOf(row) === 'a');
    const yes = drawn.filter((row) => classOf(row) === 'yes');
    const no = drawn.filter((row) => classOf(row) === 'no');
    expect([yes.length, no.length]).toEqual([240, 240]);
    for (let from = 0; from < yes.length; from += 6) expect(new Set(yes.slice(from, from + 6)).size).toBe(6);
    for (let from = 0; from + 54 <= no.length; from += 54) expect(new Set(no.slice(from, from + 54)).size).toBe(54);
  });

  test('a cap comes first, and its rows are balanced', () => {
    const mixture = spec('union', { a: 30 });
    const { steps } = planned(40, { mixture });
    expect(new Set(allRows(steps).filter((row) => taskOf(row) === 'a')).size).toBe(30);
    expect(imbalance(allRows(steps))).toBeLessThanOrEqual(1);
  });

  test('a task with one class, and one without classes, are drawn whole', () => {
    const { steps } = planned(8, { pools: new Map([['a', rowsOf('a', 60)]]), classOf: () => '' });
    expect(new Set(allRows(steps).slice(0, 60)).size).toBe(60);
  });

  test('a plan in segments draws the same as one plan of all steps', () => {
    fc.assert(
      fc.property(fc.constantFrom(...strategies), fc.integer({ min: 1, max: 11 }), (strategy, cut) => {
        const request = { mixture: spec(strategy), exampleCountPerStep: 7, reserveCountPerStep: 7 };
        const whole = planned(12, request).steps;
        const first = planned(cut, request);
        // As a plan is stored.
        const places = JSON.parse(JSON.stringify(first.places)) as typeof first.places;
        const second = planned(12 - cut, { ...request, fromStep: cut, places });
        for (const [step, one] of [...first.steps, ...second.steps].entries())
          for (const round of [0, 1])
            expect(roundRows(one, round)).toEqual(roundRows(whole[step] as PlannedStep, round));
      }),
      { numRuns: 60 },
    );
  });

  test('a curriculum chooses within the classes, so that they stay balanced', () => {
    const chanceOf = (row: number): number => (row === 0 || classOf(row) === 'no' ? 0.1 : 1);
    const { steps } = planned(60, { mixture: spec('uniform'), chanceOf });
    expect(imbalance(allRows(steps))).toBeLessThanOrEqual(1);
    const drawn = allRows(steps).filter((row) => classOf(row) === 'yes');
    const easy = drawn.filter((row) => row === 0).length;
    expect(easy).toBeGreaterThan(0);
    expect(easy).toBeLessThan(drawn.length / 6 / 2);
  });
});

/** Digests of 40 steps and their places, made before batches could be balanced. */
test('plans of recipes that do not balance have not changed', () => {
  const digestOf = (strategy: MixtureSpec['strategy']): string => {
    const mixture = new Mixture({
      pools: new Map([
        ['b', Uint32Array.from({ length: 30 }, (_, i) => 3 * i + 1)],
        ['a', Uint32Array.from({ length: 7 }, (_, i) => 3 * i)],
      ]),
      ...{ seed: 11, exampleCountPerStep: 5, reserveCountPerStep: 4, mixture: spec(strategy, { b: 20 }) },
      chanceOf: (i) => (i % 2 ? 1 : 0.5),
    });
    let text = '';
    for (let step = 0; step < 40; step++) {
      const { rows, reserve } = mixture.next();
      text += `${rows.join(' ')}|${reserve.join(' ')}\n`;
    }
    return sha256(text + JSON.stringify(mixture.places));
  };
  expect(strategies.map(digestOf)).toEqual([
    '800ab18114c939b351df20ad2f43f20f8f5c74778436fd83ae50e977242e847d',
    'b2c2dac3fc612afdb41828579182b769336326178040136733fb0f6fa88201bb',
    '09a35d040f9f556cf302d7765d5b2213c68c08577ca7fd107500aab3ec703411',
    '1f17e6deb653f53e98a81c6c98589e8de8fb46dbd213156eecd6a0e29f34c4bf',
  ]);
});
