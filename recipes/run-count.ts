/** How many runs a recipe makes, and of what. */
import { isTrained } from './arms.ts';
import type { Arm, Recipe } from './recipe.ts';

/** More runs are never started: their plans would not fit into the messages of an experiment. */
export const runCountMax = 1000;

export function runCount({ arms, seeds }: Pick<Recipe, 'arms' | 'seeds'>): number {
  return Object.values(arms).reduce((sum, arm) => sum + runCountOf(arm, seeds), 0);
}

/** An arm without training has one run, whatever the seeds. */
function runCountOf(arm: Arm, seeds: readonly number[]): number {
  return isTrained(arm) ? seeds.length : 1;
}

/** `base 1, rl-single 18, sweep rates 12`: runs of every arm and every sweep as it is written. */
export function runCountText({ arms, seeds }: Pick<Recipe, 'arms' | 'seeds'>): string {
  const counts = new Map<string, number>();
  for (const [name, arm] of Object.entries(arms)) {
    const of = arm.varied === undefined ? (arm.specialistOf ?? name) : `sweep ${arm.varied.sweep}`;
    counts.set(of, (counts.get(of) ?? 0) + runCountOf(arm, seeds));
  }
  return [...counts].map(([of, count]) => `${of} ${String(count)}`).join(', ');
}
