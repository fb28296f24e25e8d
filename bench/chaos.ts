/**
 * `npm run bench -- chaos [--plans N] [--first SEED] [--planted] [--json]`: a small experiment under N seeded plans of
 * faults, each compared with the undisturbed one. Plans mostly wait, so that two run at the same time for each core, on
 * servers of their own. It ends with the first plan that fails, made as small as it goes. With `--planted`, the workers
 * run a build with a fault of its own (conditional writes without their condition), which the plans must find.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { assert, required } from '../core/assert.ts';
import type { Json } from '../core/json.ts';
import { projectRoot } from '../core/project.ts';
import { chaosPlan, type ChaosPlan, describeCommand } from '../test/chaos/chaos-plan.ts';
import { Chaos, type Judged } from '../test/chaos/chaos.ts';
import { faultNames } from '../test/chaos/fault-table.ts';
import { plantedBuild } from '../test/chaos/planted-build.ts';
import { shrinkPlan } from '../test/chaos/shrink-plan.ts';
import type { BenchOptions } from './main.ts';
import { median } from './statistics.ts';

const planCountDefault = 10;

type Log = (line: string) => void;

export async function bench(
  log: Log,
  { chaos: { planCount = planCountDefault, firstSeed = 0, isPlanted } }: BenchOptions,
): Promise<{ readonly [key: string]: Json }> {
  const seeds = Array.from({ length: planCount }, (_, place) => firstSeed + place);
  const build = join(projectRoot, 'dist');
  const run = (folder: string) => runPlans(folder, seeds, log);
  return isPlanted ? plantedBuild(build, run) : run(build);
}

/** Servers take memory; more than this many were never tried. */
const parallelCountMax = 4;

async function runPlans(build: string, seeds: readonly number[], log: Log) {
  const parallelCount = Math.min(2 * availableParallelism(), parallelCountMax, seeds.length);
  const all = await startChaos(build, parallelCount);
  try {
    return await figuresOf(all, seeds, log);
  } finally {
    await Promise.all(all.map((chaos) => chaos.stop()));
  }
}

/** One after the other: ports are chosen among those that are free. */
async function startChaos(build: string, count: number): Promise<Chaos[]> {
  const all: Chaos[] = [];
  try {
    while (all.length < count) all.push(await Chaos.start(build));
    return all;
  } catch (error) {
    await Promise.all(all.map((chaos) => chaos.stop()));
    throw error;
  }
}

async function figuresOf(all: readonly Chaos[], seeds: readonly number[], log: Log) {
  const first = required(all[0], 'a stack for plans');
  const { requestCount, wallMs, bits } = first.undisturbed;
  log(`undisturbed: ${String(requestCount)} requests to the store, ${seconds(wallMs)}`);
  for (const { undisturbed } of all)
    assert(isDeepStrictEqual(undisturbed.bits, bits), 'the undisturbed experiments differ from each other');
  const outcomes: Judged[] = [];
  const left = seeds.values();
  const runThem = async (chaos: Chaos): Promise<void> => {
    for (const seed of left) {
      const plan = chaosPlan(seed, requestCount);
      const outcome = await chaos.run(plan);
      outcomes.push(outcome);
      log(`plan ${String(seed)}: ${textOf(plan)}: ${foundBy(outcome)}, ${seconds(outcome.wallMs)}`);
      if (outcomes.some(hasFailed)) return;
    }
  };
  await Promise.all(all.map(runThem));
  const [failed] = outcomes.filter(hasFailed).sort((a, b) => a.seed - b.seed);
  const failure = failed === undefined ? null : await shrunk(all, failed, requestCount, log);
  const times = outcomes.map((outcome) => outcome.wallMs);
  const recoveries = outcomes.flatMap((outcome) => outcome.recoveries);
  const fired = outcomes.flatMap((outcome) => outcome.fired);
  return {
    planCount: seeds.length,
    parallelCount: all.length,
    equalCount: outcomes.filter((outcome) => !hasFailed(outcome)).length,
    failure,
    requestCount,
    undisturbedMs: wallMs,
    plans: { medianMs: median(times), maxMs: Math.max(...times) },
    firedByFault: Object.fromEntries(faultNames.map((name) => [name, fired.filter((each) => each === name).length])),
    repeatedActivityCount: outcomes.reduce((sum, { repeatedCount }) => sum + repeatedCount, 0),
    recoveryByFault: Object.fromEntries(
      faultNames.flatMap((name) => {
        const ms = recoveries.filter(({ fault }) => fault === name).map((recovery) => recovery.ms);
        return ms.length === 0 ? [] : [[name, { count: ms.length, medianMs: median(ms), maxMs: Math.max(...ms) }]];
      }),
    ),
    policies: { ...bits?.policies },
  };
}

/** What is needed of a plan for it to fail, in any of some runs: it may be a matter of milliseconds. */
async function shrunk(all: readonly Chaos[], { seed, problems }: Judged, requestCount: number, log: Log) {
  const plan = chaosPlan(seed, requestCount);
  const smallest = await shrinkPlan(plan, async (smaller) => {
    const outcomes = await Promise.all(all.map((chaos) => chaos.run(smaller)));
    const failed = outcomes.find(hasFailed);
    log(`  ${textOf(smaller)}: ${failed === undefined ? 'equal' : foundBy(failed)}`);
    return failed !== undefined;
  });
  return { seed, commands: smallest.commands.map(describeCommand), problems: [...problems] };
}

function hasFailed({ problems }: Judged): boolean {
  return problems.length > 0;
}

function foundBy({ problems }: Judged): string {
  return problems.join('; ') || 'equal';
}

function textOf({ commands }: ChaosPlan): string {
  return commands.map(describeCommand).join(', ') || 'no fault';
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
