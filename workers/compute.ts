/** The compute worker: the activities that need an engine; each engine is a separate process. */
import { availableParallelism } from 'node:os';
import { type NativeConnection, Worker } from '@temporalio/worker';
import { buildVersionOf, codeVersionOf } from '../pipeline/code/code-version.ts';
import { createComputeActivities } from '../activities/compute.ts';
import type { ComputeDeps } from '../pipeline/deps.ts';
import { EnginePool } from '../pipeline/policies/engine-pool.ts';
import { StateCache } from '../pipeline/policies/state-cache.ts';
import { retryAfterMsOf } from '../pipeline/retry-after.ts';
import { Hub } from '../artifacts/hub/hub.ts';
import { hubSettings } from '../artifacts/hub/hub-settings.ts';
import { openArtifactStore } from '../artifacts/store/open-store.ts';
import { memoryByteLength } from '../core/memory.ts';
import { dataConverterOf } from '../infra/payloads/data-converter.ts';
import { ownQueueOf } from '../infra/stack/own-queue.ts';
import { readSettings } from '../infra/stack/settings.ts';
import { proveStore } from '../infra/stack/store-proof.ts';
import { engineNamed, engineTable } from '../policy/engines/table.ts';
import { ActivityMetrics } from './activity-metrics.ts';
import { jointly } from './jointly.ts';
import { createLog, installRuntime } from './logging.ts';
import { withNamedProvider } from './named-provider.ts';
import { OngoingActivities } from './ongoing.ts';
import { serve } from './serve.ts';
import { startTracing, tracedEngine } from './tracing.ts';
import { countOf, type ServingSettings, servingOptions, servingSettings } from './serving-settings.ts';
import { takeSpoolFolder } from './spool.ts';

const log = createLog('compute');
const metrics = new ActivityMetrics(installRuntime(log).metricMeter, log);
const settings = readSettings();
const serving = servingSettings();
const dataConverter = dataConverterOf();
const ongoing = new OngoingActivities(settings.home, log);
const tracing = startTracing('compute');
const spoolFolder = takeSpoolFolder(settings.home);
const engineCount = countOf(process.env, 'MTRL_ENGINE_COUNT', Math.min(2, availableParallelism()));
// Per engine. Same default as the engine count, so that a lone engine uses all cores of a small machine. On the CPU the
// thread count does not change results.
const threadCount = countOf(process.env, 'MTRL_ENGINE_THREAD_COUNT', Math.min(2, availableParallelism()));
// The rest is for the worker itself, the local servers and the system.
const memoryShare = Math.floor((0.8 * memoryByteLength()) / engineCount);
const [engineName, openEngines] = engineNamed(process.env, engineTable);
const store = openArtifactStore(settings.s3, {
  ...{ onTransfer: metrics.onTransfer, prove: () => proveStore(settings.s3) },
  ...(serving.files && { files: serving.files }),
});
const environment = await withNamedProvider(process.env);
const engines = await openEngines({ environment, threadCount, memoryShare, store, spoolFolder, retryAfterMsOf });
const enginePool = new EnginePool(engineCount, () => (tracing ? tracedEngine(engines.start()) : engines.start()));
const codeVersion = codeVersionOf(engines.choice.backend, engineName);
const buildVersion = buildVersionOf();
const taskQueue = [settings.taskQueues.compute, ...(serving.pool === undefined ? [] : [serving.pool])].join('-');
const ownQueue = ownQueueOf(taskQueue);
// Its work comes back to the process that did it before, whatever version the run is pinned to. A version may have few
// task queues, and every start of a worker would add one.
const { deployment: _, ...unversioned } = serving;
const deps: ComputeDeps = {
  store,
  codeVersion: (activity) => engines.versionWith(codeVersion(activity)),
  log,
  hub: new Hub(hubSettings(process.env)),
  enginePool,
  engine: engines.choice,
  transfer: engines.states,
  stateCache: new StateCache(engines.states),
  spoolFolder,
};
const activities = createComputeActivities(deps, ownQueue);

const workerOn = (connection: NativeConnection, queue: string, served: ServingSettings): Promise<Worker> =>
  Worker.create({
    connection,
    namespace: settings.temporal.namespace,
    dataConverter,
    taskQueue: queue,
    activities,
    maxConcurrentActivityTaskExecutions: engineCount,
    maxConcurrentActivityTaskPolls: engineCount,
    // The interval of the activities' heartbeats (pipeline/heartbeat.ts), so that throttling does not cause timeouts.
    maxHeartbeatThrottleInterval: '2s',
    defaultHeartbeatThrottleInterval: '2s',
    interceptors: {
      activity: [
        (context) => ({ inbound: ongoing.interceptor(context) }),
        (context) => ({ inbound: metrics.interceptor(context) }),
        ...(tracing ? [tracing.activity] : []),
      ],
    },
    ...servingOptions(served, buildVersion),
  });

await serve({
  name: 'compute',
  settings,
  serving,
  log,
  ongoing,
  spoolFolder,
  createWorker: async (connection) =>
    jointly([await workerOn(connection, taskQueue, serving), await workerOn(connection, ownQueue, unversioned)]),
});
await enginePool.close();
// If closing fails, the store's lease expires after a few minutes.
await store.close().catch(() => undefined);
await tracing?.close();
process.exit(0);
