import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Mixture,
  type MixturePlaces,
  type MixtureRequest,
  type PlannedStep,
  roundRows,
} from '../../judge/mixture/mixture.ts';
import { chanceOf, observe } from '../../judge/mixture/curriculum.ts';
import type { MixtureSpec } from '../../recipes/fields/mixture-fields.ts';

/**
 * A dataset with the given number of training examples per task, interleaved with examples that are never trained on.
 */
function dataset(counts: Readonly<Record<string, number>>): { task: string; split: 'train' | 'test' }[] {
  return Object.entries(counts).flatMap(([task, count]) =>
    Array.from({ length: count }, () => [
      { task, split: 'train' as const },
      { task, split: 'test' as const },
    ]).flat(),
  );
}

interface PlanRequest extends Omit<MixtureRequest, 'pools'> {
  readonly examples: readonly { readonly task: string; readonly split: 'train' | 'test' }[];
  readonly tasks: readonly string[];
  readonly stepCount: number;
}

interface Plan {
  readonly fromStep: number;
  readonly steps: readonly PlannedStep[];
  readonly rows: readonly number[];
  readonly exampleCountByTask: Readonly<Record<string, number>>;
  readonly places: MixturePlaces;
}

/** Plans all steps at once. */
function planMixture({ examples, tasks, stepCount, ...rest }: PlanRequest): Plan {
  const rowsOf = (task: string): Uint32Array =>
    Uint32Array.from(examples.flatMap((one, row) => (one.task === task && one.split === 'train' ? [row] : [])));
  const mixture = new Mixture({ ...rest, pools: new Map(tasks.map((task) => [task, rowsOf(task)])) });
  const steps = Array.from({ length: stepCount }, () => mixture.next());
  const { exampleCountByTask, places } = mixture;
  const rows = steps.flatMap((step) => [...step.rows]);
  return { fromStep: rest.fromStep ?? 0, steps, rows, exampleCountByTask, places };
}

function roundExamples({ steps, fromStep }: Plan, step: number, round: number): number[] {
  const planned = steps[step - fromStep];
  if (planned === undefined) throw new Error(`no step ${step}`);
  return [...roundRows(planned, round)];
}

const stepExamples = (plan: Plan, step: number): number[] => roundExamples(plan, step, 0);

const sizes = fc.record({
  a: fc.integer({ min: 1, max: 9 }),
  b: fc.integer({ min: 1, max: 9 }),
  unused: fc.constant(3),
});
const seed = fc.integer({ min: 0, max: 1000 });
const perStep = fc.integer({ min: 1, max: 7 });

describe('the mixture', () => {
  test("draws every training example once per epoch, without drops or repeats at an epoch's border", () => {
    fc.assert(
      fc.property(sizes, seed, perStep, (counts, seed, exampleCountPerStep) => {
        const examples = dataset(counts);
        const poolSize = counts.a + counts.b;
        const stepCount = Math.ceil((3 * poolSize) / exampleCountPerStep);
        const plan = planMixture({ examples, tasks: ['a', 'b'], seed, stepCount, exampleCountPerStep });
        const drawn = Array.from({ length: stepCount }, (_, step) => stepExamples(plan, step)).flat();
        for (let epoch = 0; epoch < 3; epoch++) {
          const once = new Set(drawn.slice(epoch * poolSize, (epoch + 1) * poolSize));
          expect(once.size).toBe(poolSize);
          for (const index of once)
            expect(examples[index]).toMatchObject({ split: 'train', task: expect.stringMatching(/^[ab]$/) as string });
        }
      }),
    );
  });

  test('draws the examples of a step independently of the number of steps and the order of tasks', () => {
    fc.assert(
      fc.property(sizes, seed, perStep, (counts, seed, exampleCountPerStep) => {
        const examples = dataset(counts);
        const short = planMixture({ examples, tasks: ['a', 'b'], seed, stepCount: 4, exampleCountPerStep });
        const long = planMixture({ examples, tasks: ['b', 'a'], seed, stepCount: 40, exampleCountPerStep });
        for (let step = 0; step < 4; step++) expect(stepExamples(long, step)).toEqual(stepExamples(short, step));
      }),
    );
  });

  test('orders epochs and seeds differently', () => {
    const request = { examples: dataset({ a: 50 }), tasks: ['a'], stepCount: 2, exampleCountPerStep: 50 };
    const plan = planMixture({ ...request, seed: 1 });
    expect(stepExamples(plan, 0)).not.toEqual(stepExamples(plan, 1));
    expect(planMixture({ ...request, seed: 2 }).rows).not.toEqual(plan.rows);
  });

  test('gives a small task the same share as a large one if it is uniform', () => {
    const examples = dataset({ a: 40, b: 4 });
    const plan = planMixture({
      examples,
      tasks: ['a', 'b'],
      seed: 3,
      stepCount: 5,
      exampleCountPerStep: 8,
      mixture: { strategy: 'uniform', temperature: 2, weights: {}, exampleCountMax: {} },
    });
    for (let step = 0; step < 5; step++) {
      const tasks = stepExamples(plan, step).map((index) => examples[index]?.task);
      expect(tasks.filter((task) => task === 'a')).toHaveLength(4);
    }
  });

  test('reports the size of an epoch per task, and its position', () => {
    const plan = planMixture({
      examples: dataset({ a: 5, b: 2 }),
      tasks: ['a', 'b'],
      seed: 0,
      stepCount: 3,
      exampleCountPerStep: 4,
    });
    expect(plan.exampleCountByTask).toEqual({ a: 5, b: 2 });
    expect(plan.places).toMatchObject({
      'mixture/': { epoch: 1, position: 5 },
      'mixture-reserve/': { epoch: 0, position: 0 },
    });
  });

  test('refuses a task without training examples by name', () => {
    const request = {
      examples: dataset({ a: 2 }),
      tasks: ['a', 'gone'],
      seed: 0,
      stepCount: 1,
      exampleCountPerStep: 1,
    };
    expect(() => planMixture(request)).toThrow(/gone/);
  });
});

const spec = (changes: Partial<MixtureSpec>): MixtureSpec => ({
  ...{ strategy: 'union', temperature: 2, weights: {}, exampleCountMax: {} },
  ...changes,
});

describe('shares of the tasks', () => {
  const examples = dataset({ a: 90, b: 9, c: 1 });
  const drawnOf = (mixture: MixtureSpec) => {
    const plan = planMixture({
      examples,
      tasks: ['c', 'a', 'b'],
      seed: 5,
      stepCount: 20,
      exampleCountPerStep: 10,
      mixture,
    });
    const counts = { a: 0, b: 0, c: 0 };
    for (const index of plan.rows) counts[examples[index]?.task as 'a']++;
    return counts;
  };

  test('union: in proportion to the examples', () => {
    expect(drawnOf(spec({}))).toEqual({ a: 180, b: 18, c: 2 });
  });

  test('uniform, temperature and weights: as specified, within one draw', () => {
    const near = (counts: Readonly<Record<string, number>>, shares: Readonly<Record<string, number>>) => {
      for (const [task, share] of Object.entries(shares))
        expect(Math.abs((counts[task] ?? 0) - 200 * share)).toBeLessThan(1);
    };
    near(drawnOf(spec({ strategy: 'uniform' })), { a: 1 / 3, b: 1 / 3, c: 1 / 3 });
    const root = Math.sqrt(90) + 3 + 1;
    near(drawnOf(spec({ strategy: 'temperature' })), { a: Math.sqrt(90) / root, b: 3 / root, c: 1 / root });
    near(drawnOf(spec({ strategy: 'temperature', temperature: 1 })), { a: 0.9, b: 0.09, c: 0.01 });
    near(drawnOf(spec({ strategy: 'weights', weights: { a: 1, b: 2, c: 5 } })), { a: 0.125, b: 0.25, c: 0.625 });
  });

  test('a cap keeps this many examples of a task, the same ones in every epoch', () => {
    const counts = drawnOf(spec({ exampleCountMax: { a: 10 } }));
    expect(counts).toEqual({ a: 100, b: 90, c: 10 });
    const plan = planMixture({
      ...{ examples, tasks: ['a'], seed: 5, stepCount: 4, exampleCountPerStep: 10 },
      mixture: spec({ exampleCountMax: { a: 10 } }),
    });
    expect(new Set(plan.rows).size).toBe(10);
    expect(plan.exampleCountByTask).toEqual({ a: 10 });
  });
});

describe('a plan in segments', () => {
  const mixture = fc.constantFrom(spec({}), spec({ strategy: 'uniform' }), spec({ strategy: 'temperature' }));

  test('draws the same as one plan of all steps as long as nothing was observed', () => {
    fc.assert(
      fc.property(
        mixture,
        seed,
        perStep,
        fc.integer({ min: 1, max: 11 }),
        (mixture, seed, exampleCountPerStep, cut) => {
          const request = { examples: dataset({ a: 7, b: 3 }), tasks: ['a', 'b'], seed, mixture, exampleCountPerStep };
          const common: Omit<PlanRequest, 'stepCount'> = { ...request, reserveCountPerStep: exampleCountPerStep };
          const whole = planMixture({ ...common, stepCount: 12 });
          const first = planMixture({ ...common, stepCount: cut });
          const second = planMixture({ ...common, stepCount: 12 - cut, fromStep: cut, places: first.places });
          for (let step = 0; step < 12; step++) {
            const plan = step < cut ? first : second;
            for (const round of [0, 1])
              expect(roundExamples(plan, step, round)).toEqual(roundExamples(whole, step, round));
          }
        },
      ),
    );
  });

  test('draws a prompt that is always or never solved less often, and an unseen one as before', () => {
    const rates = observe({}, [
      { exampleIndex: 0, successRate: 1 },
      { exampleIndex: 2, successRate: 0 },
      { exampleIndex: 4, successRate: 0.5 },
    ]);
    const request = { examples: dataset({ a: 4 }), tasks: ['a'], seed: 1, stepCount: 500, exampleCountPerStep: 4 };
    const plan = planMixture({ ...request, chanceOf: chanceOf(rates, { replanEveryStepCount: 1, chanceMin: 0.1 }) });
    const countOf = (index: number) => plan.rows.filter((drawn) => drawn === index).length;
    expect(plan.rows).toHaveLength(2000);
    expect(countOf(0) / countOf(4)).toBeCloseTo(0.1, 1);
    expect(countOf(2) / countOf(4)).toBeCloseTo(0.1, 1);
    expect(countOf(6) / countOf(4)).toBeCloseTo(1, 2);
  });

  test('weighs newer groups more than older ones', () => {
    const group = (successRate: number) => ({ exampleIndex: 3, successRate });
    expect(observe({ 3: 1 }, [group(0), group(0)])).toEqual({ 3: 0.25 });
    expect(observe({}, [group(0.5)])).toEqual({ 3: 0.5 });
  });

  test('refuses rounds beyond the planned ones', () => {
    const request = { examples: dataset({ a: 4 }), tasks: ['a'], seed: 1, stepCount: 2, exampleCountPerStep: 2 };
    const plan = planMixture({ ...request, reserveCountPerStep: 2 });
    expect(roundExamples(plan, 1, 1)).toHaveLength(2);
    expect(() => roundExamples(plan, 1, 2)).toThrow(/round 2/);
  });
});
