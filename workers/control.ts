/** The control worker: workflows, and the activities that need no engine. */
import { dirname, join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { codeVersionOf } from '../activities/code-version.ts';
import { createControlActivities } from '../activities/control.ts';
import { openArtifactStore, openObjectStore } from '../artifacts/open-store.ts';
import { cacheRoot } from '../infra/binaries/cache.ts';
import { readSettings } from '../infra/stack/settings.ts';
import { createLog, installRuntime } from './logging.ts';
import { serve } from './serve.ts';
import { workflowBundle } from './workflow-bundle.ts';

const log = createLog('control');
installRuntime(log);
const settings = readSettings();
const codePath = await workflowBundle(join(dirname(cacheRoot()), 'bundles'));
const activities = createControlActivities({
  store: openArtifactStore(settings.s3),
  codeVersion: codeVersionOf(),
  log,
  openBucket: (bucket) => openObjectStore({ ...settings.s3, bucket }),
});

await serve({
  name: 'control',
  settings,
  log,
  createWorker: (connection) =>
    Worker.create({
      connection,
      namespace: settings.temporal.namespace,
      taskQueue: settings.taskQueues.control,
      workflowBundle: { codePath },
      activities,
      // A worker that died holds its workflows' next task for this long; then any other may have it.
      stickyQueueScheduleToStartTimeout: '3s',
      shutdownGraceTime: '3s',
      shutdownForceTime: '8s',
    }),
});
process.exit(0);
