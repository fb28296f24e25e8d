/**
 * `npm run bench -- chaos [--plans N] [--first SEED] [--planted] [--json]`: a small experiment under N seeded plans of
 * faults, each compared with the undisturbed one. It ends at the first plan that fails, made as small as it goes. With
 * `--planted`, the workers run a build with a fault of its own (conditional writes without their condition), which the
 * plans must find.
 */
import { join } from 'node:path';
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
  { chaos: { planCount = planCountDefault, firstSeed = 0, isPlanted } = { isPlanted: false } }: BenchOptions,
): Promise<{ readonly [key: string]: Json }> {
  const seeds = Array.from({ length: planCount }, (_, place) => firstSeed + place);
  const build = join(projectRoot, 'dist');
  const run = (folder: string) => runPlans(folder, seeds, log);
  return isPlanted ? plantedBuild(build, run) : run(build);
}

async function runPlans(build: string, seeds: readonly number[], log: Log) {
  const chaos = await Chaos.start(build);
  const { requestCount, wallMs, bits } = chaos.undisturbed;
  log(`undisturbed: ${String(requestCount)} requests to the store, ${seconds(wallMs)}`);
  const outcomes: Judged[] = [];
  let failure: Json = null;
  try {
    for (const seed of seeds) {
      const plan = chaosPlan(seed, requestCount);
      const outcome = await chaos.run(plan);
      outcomes.push(outcome);
      const { problems } = outcome;
      log(`plan ${String(seed)}: ${textOf(plan)}: ${problems.join('; ') || 'equal'}, ${seconds(outcome.wallMs)}`);
      if (problems.length === 0) continue;
      const smallest = await shrinkPlan(plan, async (smaller) => {
        const found = (await chaos.run(smaller)).problems;
        log(`  ${textOf(smaller)}: ${found.join('; ') || 'equal'}`);
        return found.length > 0;
      });
      failure = { seed, commands: smallest.commands.map(describeCommand), problems: [...problems] };
      break;
    }
  } finally {
    await chaos.stop();
  }
  const recoveries = outcomes.flatMap((outcome) => outcome.recoveries.map(({ ms }) => ms));
  const fired = outcomes.flatMap((outcome) => outcome.fired);
  return {
    planCount: seeds.length,
    equalCount: outcomes.filter(({ problems }) => problems.length === 0).length,
    failure,
    requestCount,
    undisturbedMs: wallMs,
    firedByFault: Object.fromEntries(faultNames.map((name) => [name, fired.filter((each) => each === name).length])),
    repeatedActivityCount: outcomes.reduce((sum, { repeatedCount }) => sum + repeatedCount, 0),
    recovery:
      recoveries.length === 0
        ? null
        : { count: recoveries.length, medianMs: median(recoveries), maxMs: Math.max(...recoveries) },
    policies: { ...bits?.policies },
  };
}

function textOf({ commands }: ChaosPlan): string {
  return commands.map(describeCommand).join(', ') || 'no fault';
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
