/**
 * `npm run bench -- chaos [--plans N] [--first SEED] [--planted] [--json]`: a small experiment under N seeded plans of
 * faults, each compared with the undisturbed one. With `--planted`, the workers run a build with a fault of its own (a
 * conditional write without its condition), which the plans must find.
 */
import { join } from 'node:path';
import { projectRoot } from '../core/project.ts';
import type { Json } from '../core/json.ts';
import { describeCommand } from '../test/chaos/chaos-plan.ts';
import { faultNames } from '../test/chaos/fault-table.ts';
import { plantedBuild } from '../test/chaos/planted-build.ts';
import { runPlans } from '../test/chaos/run-plans.ts';
import type { BenchOptions } from './main.ts';
import { median } from './statistics.ts';

const planCountDefault = 10;

export async function bench(
  log: (line: string) => void,
  { chaos: { planCount = planCountDefault, firstSeed = 0, isPlanted } = { isPlanted: false } }: BenchOptions,
): Promise<{ readonly [key: string]: Json }> {
  const seeds = Array.from({ length: planCount }, (_, place) => firstSeed + place);
  const build = join(projectRoot, 'dist');
  const run = (folder: string) => runPlans({ seeds, build: folder, shrinks: true, log });
  const { undisturbed, outcomes, failures } = isPlanted ? await plantedBuild(build, run) : await run(build);
  const recoveries = outcomes.flatMap(({ recoveries: each }) => each);
  const fired = outcomes.flatMap(({ fired: each }) => each);
  return {
    planned: planCount,
    run: outcomes.length,
    equal: outcomes.length - failures.length,
    failures: failures.map(({ plan, problems }) => ({
      seed: plan.seed,
      commands: plan.commands.map(describeCommand),
      problems: [...problems],
    })),
    requestCount: undisturbed.requestCount,
    undisturbedMs: undisturbed.wallMs,
    firedByFault: Object.fromEntries(faultNames.map((name) => [name, fired.filter((each) => each === name).length])),
    repeatedActivityCount: outcomes.reduce((sum, { repeatedCount }) => sum + repeatedCount, 0),
    recoveryMs: recoveries.length === 0 ? null : summaryOf(recoveries.map(({ ms }) => ms)),
    policies: undisturbed.bits === undefined ? null : { ...undisturbed.bits.policies },
  };
}

function summaryOf(values: readonly number[]) {
  return { median: median(values), max: Math.max(...values), count: values.length };
}
