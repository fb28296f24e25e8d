/**
 * Time until all runs are trained, from the compute time of the steps so far: each arm's own time a step, and for arms
 * that have not begun the mean of the others, at the rate at which the experiment has computed since it started.
 */
import type { ExperimentProgress } from '../../contract/progress.ts';

/** In milliseconds; undefined until a step has been computed, and where no step is left. */
export function timeLeftMs(progress: ExperimentProgress, nowMs: number): number | undefined {
  const { runs, step, stepCount, startedAtMs } = progress;
  const leftCount = stepCount - step;
  const computeMs = runs.reduce((sum, run) => sum + run.computeMs, 0);
  const doneCount = runs.reduce((sum, run) => sum + computedCount(run), 0);
  if (leftCount <= 0 || computeMs === 0 || doneCount === 0) return undefined;
  const meanMs = computeMs / doneCount;
  let leftMs = 0;
  let countedCount = 0;
  for (const run of runs) {
    const own = runs.filter(({ arm }) => arm === run.arm);
    const ownCount = own.reduce((sum, each) => sum + computedCount(each), 0);
    const ownMs = own.reduce((sum, each) => sum + each.computeMs, 0);
    const runLeftCount = run.stepCount - run.step;
    leftMs += runLeftCount * (ownCount === 0 ? meanMs : ownMs / ownCount);
    countedCount += runLeftCount;
  }
  // Runs are asked for their newest step, the experiment is not: the difference may be below 0 for a moment.
  leftMs += Math.max(0, leftCount - countedCount) * meanMs;
  return (leftMs / computeMs) * (nowMs - startedAtMs);
}

/** Steps of a run that were computed: none of a run that came from the cache whole. */
function computedCount({ computeMs, step }: ExperimentProgress['runs'][number]): number {
  return computeMs === 0 ? 0 : step;
}
