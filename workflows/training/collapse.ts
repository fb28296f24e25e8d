/**
 * Notices a judge that has collapsed on a task: it gives one verdict whatever is shown, so that no group is informative
 * any more and training cannot repair it. Too high a rate does this within a few steps (docs/getting-started.md).
 */
import type { TaskReward } from '../../contract/activities.ts';
import type { CollapsedTask } from '../../contract/progress.ts';
import type { UniformTasks } from '../../contract/workflows.ts';

/** Steps in a row with one verdict alone. In fewer, it may be chance. */
const stepCountMin = 3;
const shownTaskCountMax = 4;

/** Tasks that the step does not show keep their state. */
export function addStep(before: UniformTasks, step: number, byTask: readonly TaskReward[]): UniformTasks {
  const tasks = new Map(Object.entries(before));
  for (const { task, onlyVerdict } of byTask) {
    const known = tasks.get(task);
    if (onlyVerdict === undefined) tasks.delete(task);
    else if (known?.verdict === onlyVerdict) tasks.set(task, { ...known, stepCount: known.stepCount + 1 });
    else tasks.set(task, { verdict: onlyVerdict, sinceStep: step, stepCount: 1 });
  }
  return Object.fromEntries(tasks);
}

export function collapsedIn(tasks: UniformTasks): CollapsedTask[] {
  return Object.entries(tasks)
    .filter(([, { stepCount }]) => stepCount >= stepCountMin)
    .slice(0, shownTaskCountMax)
    .map(([task, { verdict, sinceStep }]) => ({ task, verdict, sinceStep }));
}
