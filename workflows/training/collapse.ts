/**
 * Notices a judge that has collapsed on a task: it gives one verdict whatever is shown, so that no group is informative
 * any more and training cannot repair it. Too high a rate does this within a few steps (docs/getting-started.md).
 */
import type { TaskReward } from '../../contract/activities.ts';
import type { CollapsedTask, LeaningTask } from '../../contract/progress.ts';
import type { UniformTasks } from '../../contract/workflows.ts';

/** Steps in a row with one verdict alone. In fewer, it may be chance. */
const stepCountMin = 3;
const shownTaskCountMax = 4;
/** A verdict this frequent, and this much more frequent than its label, is shown at once. */
const verdictRateMin = 0.9;
const excessMin = 0.25;

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

/** Tasks of one step that lean to one verdict, the strongest first: the way to a collapse. */
export function leaningIn(byTask: readonly TaskReward[]): LeaningTask[] {
  return byTask
    .flatMap(({ task, commonVerdict }) => (commonVerdict ? [{ task, ...commonVerdict }] : []))
    .filter(({ verdictRate, labelRate }) => verdictRate >= verdictRateMin && verdictRate - labelRate >= excessMin)
    .sort((a, b) => b.verdictRate - b.labelRate - (a.verdictRate - a.labelRate))
    .slice(0, shownTaskCountMax);
}
