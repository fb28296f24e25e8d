/** Runs chaos plans one after the other, and holds each against the undisturbed experiment. */
import { isDeepStrictEqual } from 'node:util';
import { chaosPlan, type ChaosPlan, describeCommand } from './chaos-plan.ts';
import { ChaosServers } from './chaos-servers.ts';
import { type Bits, type Outcome, runPlan } from './run-plan.ts';
import { shrinkPlan } from './shrink-plan.ts';

export interface PlansOptions {
  readonly seeds: readonly number[];
  /** Folder of the compiled project that the workers run. */
  readonly build: string;
  /** Ends at the first plan that fails, made as small as it goes. */
  readonly shrinks: boolean;
  readonly log: (line: string) => void;
}

export interface PlansOutcome {
  readonly undisturbed: Outcome;
  readonly outcomes: readonly Outcome[];
  readonly failures: readonly Failure[];
}

export interface Failure {
  readonly plan: ChaosPlan;
  readonly problems: readonly string[];
}

export async function runPlans({ seeds, build, shrinks, log }: PlansOptions): Promise<PlansOutcome> {
  const servers = await ChaosServers.start();
  try {
    const undisturbed = await runPlan(servers, { seed: -1, commands: [] }, build);
    const { bits, requestCount } = undisturbed;
    if (bits === undefined) throw new Error(`the undisturbed experiment failed: ${undisturbed.problems.join('; ')}`);
    log(`undisturbed: ${String(requestCount)} requests to the store, ${seconds(undisturbed)}`);
    const outcomes: Outcome[] = [];
    const failures: Failure[] = [];
    for (const seed of seeds) {
      const plan = chaosPlan(seed, requestCount);
      const outcome = await runPlan(servers, plan, build);
      const problems = problemsWith(outcome, bits);
      outcomes.push(outcome);
      log(lineOf(plan, outcome, problems));
      if (problems.length === 0) continue;
      if (!shrinks) {
        failures.push({ plan, problems });
        continue;
      }
      const smallest = await shrinkPlan(plan, async (smaller) => {
        const found = problemsWith(await runPlan(servers, smaller, build), bits);
        log(`  with ${smaller.commands.map(describeCommand).join(', ') || 'nothing'}: ${found[0] ?? 'equal'}`);
        return found.length > 0;
      });
      failures.push({ plan: smallest, problems });
      break;
    }
    return { undisturbed, outcomes, failures };
  } finally {
    await servers.stop();
  }
}

export function problemsWith({ bits, problems }: Outcome, expected: Bits): string[] {
  const differing = (Object.keys(expected) as (keyof Bits)[]).filter(
    (part) => bits !== undefined && !isDeepStrictEqual(bits[part], expected[part]),
  );
  return [...differing.map((part) => `other ${part} than without faults`), ...problems];
}

function lineOf({ seed, commands }: ChaosPlan, outcome: Outcome, problems: readonly string[]): string {
  const result = problems.length === 0 ? 'equal' : problems.join('; ');
  return `plan ${String(seed)}: ${commands.map(describeCommand).join(', ')}: ${result}, ${seconds(outcome)}`;
}

function seconds({ wallMs }: Outcome): string {
  return `${(wallMs / 1000).toFixed(1)} s`;
}
