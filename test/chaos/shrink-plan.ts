/** Removes commands from a failing plan as long as it fails (delta debugging, Zeller and Hildebrandt 2002, one at a time). */
import type { ChaosPlan } from './chaos-plan.ts';

export async function shrinkPlan(plan: ChaosPlan, fails: (plan: ChaosPlan) => Promise<boolean>): Promise<ChaosPlan> {
  let smallest = plan;
  for (const command of plan.commands) {
    const smaller = { ...smallest, commands: smallest.commands.filter((each) => each !== command) };
    if (await fails(smaller)) smallest = smaller;
  }
  // What was needed beside a command that is gone may not be needed any more.
  return smallest.commands.length === plan.commands.length ? plan : shrinkPlan(smallest, fails);
}
