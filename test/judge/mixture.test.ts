import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planMixture, stepExamples } from '../../judge/mixture.ts';

/** A dataset of these many training examples of each task, interleaved with ones that are never trained on. */
function dataset(counts: Readonly<Record<string, number>>): { task: string; split: 'train' | 'test' }[] {
  return Object.entries(counts).flatMap(([task, count]) =>
    Array.from({ length: count }, () => [
      { task, split: 'train' as const },
      { task, split: 'test' as const },
    ]).flat(),
  );
}

const sizes = fc.record({
  a: fc.integer({ min: 1, max: 9 }),
  b: fc.integer({ min: 1, max: 9 }),
  unused: fc.constant(3),
});
const seed = fc.integer({ min: 0, max: 1000 });
const perStep = fc.integer({ min: 1, max: 7 });

describe('the mixture', () => {
  test('every training example comes once an epoch: nothing is dropped or repeated at an epoch border', () => {
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

  test('what step k sees does not depend on how many steps there are, nor on the order in which tasks are named', () => {
    fc.assert(
      fc.property(sizes, seed, perStep, (counts, seed, exampleCountPerStep) => {
        const examples = dataset(counts);
        const short = planMixture({ examples, tasks: ['a', 'b'], seed, stepCount: 4, exampleCountPerStep });
        const long = planMixture({ examples, tasks: ['b', 'a'], seed, stepCount: 40, exampleCountPerStep });
        for (let step = 0; step < 4; step++) expect(stepExamples(long, step)).toEqual(stepExamples(short, step));
      }),
    );
  });

  test('epochs and seeds have orders of their own', () => {
    const request = { examples: dataset({ a: 50 }), tasks: ['a'], stepCount: 2, exampleCountPerStep: 50 };
    const plan = planMixture({ ...request, seed: 1 });
    expect(stepExamples(plan, 0)).not.toEqual(stepExamples(plan, 1));
    expect(planMixture({ ...request, seed: 2 }).exampleIndices).not.toEqual(plan.exampleIndices);
  });

  test('balance by tasks gives a small task the share of a large one', () => {
    const examples = dataset({ a: 40, b: 4 });
    const plan = planMixture({
      examples,
      tasks: ['a', 'b'],
      seed: 3,
      stepCount: 5,
      exampleCountPerStep: 8,
      balance: 'tasks',
    });
    for (let step = 0; step < 5; step++) {
      const tasks = stepExamples(plan, step).map((index) => examples[index]?.task);
      expect(tasks.filter((task) => task === 'a')).toHaveLength(4);
    }
  });

  test('the plan says what an epoch is made of, and survives JSON', () => {
    const plan = planMixture({
      examples: dataset({ a: 5, b: 2 }),
      tasks: ['a', 'b'],
      seed: 0,
      stepCount: 3,
      exampleCountPerStep: 4,
    });
    expect(plan.exampleCountByTask).toEqual({ a: 5, b: 2 });
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  test('a task without training examples is an error that names it', () => {
    const request = {
      examples: dataset({ a: 2 }),
      tasks: ['a', 'gone'],
      seed: 0,
      stepCount: 1,
      exampleCountPerStep: 1,
    };
    expect(() => planMixture(request)).toThrow(/gone/);
  });

  test('a step beyond the plan is an error, not an empty batch', () => {
    const plan = planMixture({
      examples: dataset({ a: 2 }),
      tasks: ['a'],
      seed: 0,
      stepCount: 2,
      exampleCountPerStep: 1,
    });
    expect(() => stepExamples(plan, 2)).toThrow(/step 2/);
  });
});
