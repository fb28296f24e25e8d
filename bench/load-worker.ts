/** A compute worker in this process with made-up engines: it records when each step ended and what it computed. */
import { join } from 'node:path';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { createComputeActivities } from '../activities/compute.ts';
import { openArtifactStore } from '../artifacts/store/open-store.ts';
import type { StepInput } from '../contract/step.ts';
import { dataConverterOf } from '../infra/payloads/data-converter.ts';
import type { StackSettings } from '../infra/stack/settings.ts';
import { connectionOptions } from '../infra/stack/temporal-settings.ts';
import { EnginePool } from '../pipeline/policies/engine-pool.ts';
import { StateCache } from '../pipeline/policies/state-cache.ts';
import { FolderStates } from '../policy/engines/embedded/folder-states.ts';
import { demoVerdicts, MadeUpEngine } from './made-up-engine.ts';

export interface EndedStep {
  readonly seed: number;
  readonly step: number;
  readonly endedAtMs: number;
  /** Compute time that the step's parts report. */
  readonly computeMs: number;
}

/** @param onStep called after each step */
export async function startLoadWorker(
  settings: StackSettings,
  { spoolFolder, engineCount }: { readonly spoolFolder: string; readonly engineCount: number },
  onStep: (step: EndedStep) => void,
): Promise<() => Promise<void>> {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: 'WARN', forward: {} } },
  });
  const store = openArtifactStore(settings.s3);
  const states = new FolderStates(store, join(spoolFolder, 'states'));
  const completions = demoVerdicts();
  const activities = createComputeActivities({
    ...{ store, codeVersion: () => 'bench-load', log: pino({ level: 'silent' }), spoolFolder },
    enginePool: new EnginePool(engineCount, () => new MadeUpEngine(states, completions)),
    ...{ transfer: states, stateCache: new StateCache(states) },
  });
  const step = async (input: StepInput) => {
    const result = await activities.step(input);
    const { rollout, reward, update } = result;
    const computeMs = rollout.computeMs + reward.computeMs + update.computeMs;
    onStep({ seed: input.seed, step: input.step, endedAtMs: performance.now(), computeMs });
    return result;
  };
  const connection = await NativeConnection.connect(connectionOptions(settings.temporal));
  const worker = await Worker.create({
    ...{ connection, namespace: settings.temporal.namespace, taskQueue: settings.taskQueues.compute },
    activities: { ...activities, step },
    dataConverter: dataConverterOf(),
    maxConcurrentActivityTaskExecutions: engineCount,
  });
  const running = worker.run();
  return async () => {
    worker.shutdown();
    await running;
    await connection.close();
    await store.close();
  };
}
