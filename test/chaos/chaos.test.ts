/** The short form of `npm run bench -- chaos`: four seeded plans that together command every fault. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { projectRoot } from '../../core/project.ts';
import { needPrlimit, needSmallDisks } from '../support/needs.ts';
import { chaosPlan } from './chaos-plan.ts';
import { Chaos, type Judged } from './chaos.ts';
import { diskFaultNames, type FaultName, faultNames } from './fault-table.ts';

const seeds = [1246, 33732, 13309, 1329];

/** Faults that cannot be made here. */
const impossible: readonly FaultName[] = [
  ...(needSmallDisks().isMissing ? diskFaultNames : []),
  ...(needPrlimit().isMissing ? (['no-memory'] as const) : []),
];

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
  const unmet = faultNames.filter((name) => !outcomes.some(({ fired }) => fired.includes(name)));
  expect(unmet.filter((name) => !impossible.includes(name))).toEqual([]);
  expect(chaos.undisturbed.repeatedCount).toBe(0);
  expect(outcomes.some(({ repeatedCount }) => repeatedCount > 0)).toBe(true);
});

it('makes the same plan of a seed again', () => {
  expect(chaosPlan(7, 300)).toEqual(chaosPlan(7, 300));
  expect(chaosPlan(7, 300)).not.toEqual(chaosPlan(8, 300));
});
