/** The short form of `npm run bench -- chaos`: five seeded plans that command every fault. */
import { beforeAll, expect, it } from 'vitest';
import { join } from 'node:path';
import { projectRoot } from '../../core/project.ts';
import { chaosPlan } from './chaos-plan.ts';
import { faultNames } from './fault-table.ts';
import { type PlansOutcome, runPlans } from './run-plans.ts';

// The first ones that together command every fault.
const seeds = [1, 7, 329, 67, 9];

let ran: PlansOutcome;

beforeAll(async () => {
  ran = await runPlans({ seeds, build: join(projectRoot, 'dist'), shrinks: false, log: () => undefined });
});

it('changes no bit of the result, whatever fails, and damages nothing', () => {
  expect(ran.failures).toEqual([]);
  expect(ran.outcomes).toHaveLength(seeds.length);
});

it('has met every fault', () => {
  expect(faultNames.filter((name) => !ran.outcomes.some(({ fired }) => fired.includes(name)))).toEqual([]);
});

it('repeats only what was interrupted', () => {
  expect(ran.undisturbed.repeatedCount).toBe(0);
  expect(ran.outcomes.some(({ repeatedCount }) => repeatedCount > 0)).toBe(true);
});

it('makes the same plan of a seed again', () => {
  expect(chaosPlan(7, 300)).toEqual(chaosPlan(7, 300));
  expect(chaosPlan(7, 300)).not.toEqual(chaosPlan(8, 300));
});
