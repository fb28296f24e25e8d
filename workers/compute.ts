/** The compute worker: the activities that need an engine, each engine in a process of its own. */
import { availableParallelism } from 'node:os';
import { Worker } from '@temporalio/worker';
import { codeVersionOf } from '../activities/code-version.ts';
import { createComputeActivities } from '../activities/compute.ts';
import { EnginePool } from '../activities/engine-pool.ts';
import { StateFolders } from '../activities/state-folders.ts';
import { openArtifactStore } from '../artifacts/open-store.ts';
import { MtrlError } from '../core/errors.ts';
import { readSettings } from '../infra/stack/settings.ts';
import { engineSettings, versionWith } from '../policy/engines/embedded/settings.ts';
import { spawnEmbeddedEngine } from '../policy/engines/embedded/spawn.ts';
import { createLog, installRuntime } from './logging.ts';
import { serve } from './serve.ts';
import { takeSpoolFolder } from './spool.ts';

const log = createLog('compute');
installRuntime(log);
const settings = readSettings();
const spoolFolder = takeSpoolFolder(settings.home);
const engineCount = countOf('MTRL_ENGINE_COUNT', Math.min(2, availableParallelism()));
// Pinned, because another number of threads gives other last bits.
const threadCount = countOf('MTRL_ENGINE_THREAD_COUNT', 1);
const engine = engineSettings(process.env, threadCount);
const enginePool = new EnginePool(engineCount, () => spawnEmbeddedEngine(engine));
const activities = createComputeActivities({
  store: openArtifactStore(settings.s3),
  codeVersion: versionWith(codeVersionOf(), engine),
  log,
  enginePool,
  engine,
  stateFolders: new StateFolders(spoolFolder),
  spoolFolder,
});

await serve({
  name: 'compute',
  settings,
  log,
  createWorker: (connection) =>
    Worker.create({
      connection,
      namespace: settings.temporal.namespace,
      taskQueue: settings.taskQueues.compute,
      activities,
      maxConcurrentActivityTaskExecutions: engineCount,
      maxConcurrentActivityTaskPolls: engineCount,
      // The activities' own rhythm (activities/heartbeat.ts), so that a time-out of some seconds is never missed.
      maxHeartbeatThrottleInterval: '2s',
      defaultHeartbeatThrottleInterval: '2s',
      shutdownGraceTime: '2s',
      shutdownForceTime: '8s',
    }),
});
await enginePool.close();
process.exit(0);

function countOf(variable: string, standard: number): number {
  const text = process.env[variable];
  if (text === undefined || text === '') return standard;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  const hint = 'a whole number from 1 on';
  throw new MtrlError('USAGE', `${variable} is not a count`, {
    where: `environment variable ${variable}`,
    found: text,
    hint,
  });
}
