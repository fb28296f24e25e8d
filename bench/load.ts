/**
 * `npm run bench -- load [--steps N] [--runs R]`: RL runs side by side on servers of their own, with the real control
 * worker, Temporal and MinIO, and with engines whose numbers are made up. Measures what a step costs beside its compute:
 * events, time, requests, bytes, and the memory of the control worker over the run. Draws docs/figures/load-NxR.svg.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { required } from '../core/assert.ts';
import { MtrlError } from '../core/errors.ts';
import { livingDaemon } from '../infra/process/daemon.ts';
import { withTemporalClient } from '../infra/stack/temporal-client.ts';
import { type ControlStack, withControlStack } from './control-stack.ts';
import {
  historiesOf,
  memoryFigures,
  orchestrationFigures,
  type Overhead,
  perStep,
  stepCountMin,
  stepOverheads,
} from './load-figures.ts';
import { drawLoad } from './load-plot.ts';
import { groupSize, loadRecipe, promptCountPerStep, snapshotEveryStepCount } from './load-recipe.ts';
import { type EndedStep, startLoadWorker } from './load-worker.ts';
import type { BenchOptions } from './main.ts';
import { difference, processorTimesMs } from './processor-time.ts';
import { rounded } from './statistics.ts';
import { storeTraffic, trafficBetween } from './store-requests.ts';

const standardStepCount = 300;
const standardRunCount = 5;
/** Steps done at the same time: as many as one machine's workers would do. */
const engineCountMax = 8;
const experimentId = 'load';

/** Taken when the first and the last step have ended: what comes before and after the steps is not measured. */
interface Reading {
  readonly atMs: number;
  readonly traffic: Awaited<ReturnType<typeof storeTraffic>>;
  readonly processorMs: ReturnType<typeof processorTimesMs>;
  /** Of this process: the compute worker and the client. */
  readonly ownProcessorMs: number;
  /** Without the log that SQLite writes ahead: grows only once that has been full, after some hundred steps. */
  readonly databaseByteLength: number;
}

export async function bench(
  log: (line: string) => void,
  { stepCount = standardStepCount, runCount = standardRunCount }: Pick<BenchOptions, 'stepCount' | 'runCount'>,
) {
  if (stepCount < stepCountMin)
    throw new MtrlError('USAGE', 'too few steps: the first third of a run is compared with the last', {
      found: `--steps ${String(stepCount)}`,
      hint: `--steps ${String(stepCountMin)} or more`,
    });
  return withControlStack('load', log, (stack) => measure({ ...stack, stepCount, runCount }, log));
}

interface Load extends ControlStack {
  /** Of each run. */
  readonly stepCount: number;
  readonly runCount: number;
}

async function measure(load: Load, log: (line: string) => void) {
  const { home, settings, stepCount, runCount } = load;
  const total = stepCount * runCount;
  const steps: EndedStep[] = [];
  const memory: number[] = [];
  const readings: Promise<Reading>[] = [];
  const onStep = (step: EndedStep): void => {
    steps.push(step);
    if (steps.length === 1 || steps.length === total) {
      const taken = reading(load);
      // Thrown where it is awaited, after the last step.
      taken.catch(() => undefined);
      readings.push(taken);
    }
    if (steps.length % Math.ceil(total / 100) === 0) memory.push(controlByteLength(home));
    if (steps.length % Math.ceil(total / 10) === 0) log(`${String(steps.length)} of ${String(total)} steps`);
  };
  const spoolFolder = join(home, 'spool-of-bench');
  const worker = { spoolFolder, engineCount: Math.min(runCount, engineCountMax) };
  const close = await startLoadWorker(settings, worker, onStep);
  const measured = withTemporalClient(settings.temporal, async (client) => {
    const { control: taskQueue } = settings.taskQueues;
    const recipe = loadRecipe(stepCount, runCount);
    await client.workflow.execute('experiment', { workflowId: experimentId, taskQueue, args: [recipe] });
    const [first, last] = await Promise.all(readings);
    const figures = betweenReadings(required(first, 'the first step'), required(last, 'the last step'), total);
    const overheads = stepOverheads(steps, snapshotEveryStepCount);
    return {
      ...{ stepCount, runCount, promptCountPerStep, groupSize, snapshotEveryStepCount },
      ...figures,
      histories: await historiesOf(client, experimentId, { stepCount, runCount }),
      orchestrationMs: orchestrationFigures(overheads, stepCount),
      controlMemory: memoryFigures(memory),
      plot: plotted(load, overheads, memory),
    };
  });
  return measured.finally(close);
}

/** @returns the file of the plot */
function plotted({ stepCount, runCount }: Load, overheads: readonly Overhead[], memory: readonly number[]): string {
  const name = `load-${String(stepCount)}x${String(runCount)}.svg`;
  const file = fileURLToPath(new URL(`../docs/figures/${name}`, import.meta.url));
  writeFileSync(file, drawLoad(overheads, memory, { stepCount, runCount }));
  return file;
}

async function reading({ home, settings }: Load): Promise<Reading> {
  const processorMs = processorTimesMs(home);
  const { user, system } = process.cpuUsage();
  const atMs = performance.now();
  const traffic = await storeTraffic(settings.s3);
  const database = await stat(join(home, 'temporal.db'));
  const ownProcessorMs = (user + system) / 1000;
  return { atMs, traffic, processorMs, ownProcessorMs, databaseByteLength: database.size };
}

function betweenReadings(first: Reading, last: Reading, total: number) {
  const each = (value: number): number => perStep(value, total);
  const { requestCount, receivedByteLength, sentByteLength, byOperation } = trafficBetween(first.traffic, last.traffic);
  const { control, temporal, minio } = difference(last.processorMs, first.processorMs);
  const wallMs = last.atMs - first.atMs;
  return {
    wallMs: Math.round(wallMs),
    stepsPerSecond: rounded((1000 * total) / wallMs),
    store: {
      requestsPerStep: each(requestCount),
      receivedBytesPerStep: Math.round(receivedByteLength / total),
      sentBytesPerStep: Math.round(sentByteLength / total),
      requestsPerStepByOperation: Object.fromEntries(
        Object.entries(byOperation).map(([operation, count]) => [operation, each(count)]),
      ),
    },
    temporalDatabaseBytesPerStep: Math.round((last.databaseByteLength - first.databaseByteLength) / total),
    processorMsPerStep: {
      ...{ control: each(control), temporal: each(temporal), minio: each(minio) },
      compute: each(last.ownProcessorMs - first.ownProcessorMs),
    },
  };
}

/** Resident memory of the control worker, in bytes. */
function controlByteLength(home: string): number {
  const { pid } = required(livingDaemon(home, 'control'), 'the control worker');
  return 1024 * Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }));
}
