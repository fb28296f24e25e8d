/** Removes commands from a failing plan as long as it fails (delta debugging, Zeller and Hildebrandt 2002, one at a time). */
import type { ChaosPlan } from './chaos-plan.ts';

export async function shrinkPlan(plan: ChaosPlan, fails: (plan: ChaosPlan) => Promise<boolean>): Promise<ChaosPlan> {
  for (const command of plan.commands) {
    const smaller = { ...plan, commands: plan.commands.filter((each) => each !== command) };
    if (await fails(smaller)) return shrinkPlan(smaller, fails);
  }
  return plan;
}
