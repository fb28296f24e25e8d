/** Figures of the load bench from what it has recorded. */
import type { Client } from '@temporalio/client';
import type { EndedStep } from './load-worker.ts';
import { median, rounded } from './statistics.ts';
import { armName } from './load-recipe.ts';

/** Steps at the beginning and the end of a run that are compared; a third of a shorter run. */
const comparedCountMax = 1_000;
/** The first steps warm up processes and caches. */
const warmUpStepCount = 10;
/** Of a run, so that its first third has steps after the warm-up. */
export const stepCountMin = 3 * (warmUpStepCount + 1);

export function perStep(value: number, stepCount: number): number {
  return rounded(value / stepCount);
}

/** Events and bytes of histories, over all executions of a workflow that continues as new. */
export async function historiesOf(
  client: Client,
  experimentId: string,
  { stepCount, runCount }: { readonly stepCount: number; readonly runCount: number },
) {
  const runs = { eventCount: 0, byteLength: 0, executionCount: 0, longest: 0 };
  for (let seed = 0; seed < runCount; seed++) {
    const query = `WorkflowId = '${experimentId}/${armName}/s${String(seed)}'`;
    for await (const { historyLength, historySize = 0 } of client.workflow.list({ query })) {
      runs.eventCount += historyLength;
      runs.byteLength += historySize;
      runs.executionCount++;
      runs.longest = Math.max(runs.longest, historyLength);
    }
  }
  const { historyLength } = await client.workflow.getHandle(experimentId).describe();
  const total = stepCount * runCount;
  return {
    eventsPerStep: perStep(runs.eventCount, total),
    bytesPerStep: Math.round(runs.byteLength / total),
    executionsPerRun: runs.executionCount / runCount,
    longestExecution: runs.longest,
    experiment: historyLength,
  };
}

/** What a step of a run took beside its compute. */
export interface Overhead {
  readonly step: number;
  readonly overheadMs: number;
  readonly computeMs: number;
}

/**
 * Wall time from one step's end to the next one's of the same run, less the compute time that it reports. Not counted:
 * steps after a snapshot, and the first ones of a run.
 */
export function stepOverheads(steps: readonly EndedStep[], snapshotEveryStepCount: number): Overhead[] {
  const endedAt = new Map(steps.map(({ seed, step, endedAtMs }) => [`${String(seed)} ${String(step)}`, endedAtMs]));
  return steps.flatMap(({ seed, step, endedAtMs, computeMs }) => {
    const before = endedAt.get(`${String(seed)} ${String(step - 1)}`);
    const isCounted = step >= warmUpStepCount && step % snapshotEveryStepCount !== 0;
    return before !== undefined && isCounted ? [{ step, overheadMs: endedAtMs - before - computeMs, computeMs }] : [];
  });
}

/** Medians over the first and the last steps. */
export function orchestrationFigures(overheads: readonly Overhead[], stepCount: number) {
  const count = Math.min(comparedCountMax, Math.floor(stepCount / 3));
  const medianOf = (isWanted: (step: number) => boolean): number =>
    rounded(median(overheads.filter(({ step }) => isWanted(step)).map(({ overheadMs }) => overheadMs)));
  const [first, last] = [medianOf((step) => step < count), medianOf((step) => step >= stepCount - count)];
  return {
    comparedStepCount: count,
    ...{ first, last, lastOverFirst: rounded(last / first) },
    computeMedian: rounded(median(overheads.map(({ computeMs }) => computeMs))),
  };
}

/** @param samples resident bytes, one for each hundredth of the steps */
export function memoryFigures(samples: readonly number[]) {
  const tenth = Math.max(1, Math.floor(samples.length / 10));
  const mebibytes = (values: readonly number[]): number => rounded(median(values) / 2 ** 20);
  const [warm, end] = [samples.slice(tenth, 3 * tenth), samples.slice(-2 * tenth)];
  return {
    warmMiB: mebibytes(warm),
    endMiB: mebibytes(end),
    largestMiB: rounded(Math.max(...samples) / 2 ** 20),
    endOverWarm: rounded(median(end) / median(warm)),
  };
}
