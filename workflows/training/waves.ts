/** Splits the runs of an experiment into waves that train in parallel. */
import type { ArmPlan } from '../../contract/activities.ts';

/** Between two waves no child is open: the experiment continues as new there, which bounds its history. */
export const waveRunCountMax = 100;

/** In the recipe's order, except that a run comes before those that start from it: never in a later wave than they. */
export function wavesOf(plans: readonly ArmPlan[]): ArmPlan[][] {
  const byName = new Map(plans.map((plan) => [plan.runName, plan]));
  const ordered = new Set<ArmPlan>();
  const add = (plan: ArmPlan): void => {
    const source = plan.from === undefined ? undefined : byName.get(plan.from);
    if (source && !ordered.has(source)) add(source);
    ordered.add(plan);
  };
  plans.forEach(add);
  const all = [...ordered];
  const waveCount = Math.ceil(all.length / waveRunCountMax);
  return Array.from({ length: waveCount }, (_, i) => all.slice(i * waveRunCountMax, (i + 1) * waveRunCountMax));
}
