/** The short form of `npm run bench -- chaos`: five seeded plans that together command every fault. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { projectRoot } from '../../core/project.ts';
import { chaosPlan } from './chaos-plan.ts';
import { Chaos, type Judged } from './chaos.ts';
import { faultNames } from './fault-table.ts';

const seeds = [1, 7, 329, 67, 9];

let chaos: Chaos;
const outcomes: Judged[] = [];

beforeAll(async () => {
  chaos = await Chaos.start(join(projectRoot, 'dist'));
});

afterAll(() => chaos.stop());

it.each(seeds)('changes no bit of the result and damages nothing under plan %i', async (seed) => {
  const outcome = await chaos.run(chaosPlan(seed, chaos.undisturbed.requestCount));
  outcomes.push(outcome);
  expect(outcome.problems).toEqual([]);
});

it('has met every fault, and repeated only what was interrupted', () => {
  expect(faultNames.filter((name) => !outcomes.some(({ fired }) => fired.includes(name)))).toEqual([]);
  expect(chaos.undisturbed.repeatedCount).toBe(0);
  expect(outcomes.some(({ repeatedCount }) => repeatedCount > 0)).toBe(true);
});

it('makes the same plan of a seed again', () => {
  expect(chaosPlan(7, 300)).toEqual(chaosPlan(7, 300));
  expect(chaosPlan(7, 300)).not.toEqual(chaosPlan(8, 300));
});
