/** The control worker: workflows, and the activities that need no engine. */
import { dirname, join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { buildVersionOf, codeVersionOf } from '../pipeline/code/code-version.ts';
import { createControlActivities } from '../activities/control.ts';
import { Hub } from '../artifacts/hub/hub.ts';
import { hubSettings } from '../artifacts/hub/hub-settings.ts';
import { openArtifactStore, openObjectStore } from '../artifacts/store/open-store.ts';
import { cacheRoot } from '../infra/binaries/cache.ts';
import { dataConverterOf } from '../infra/payloads/data-converter.ts';
import { readSettings } from '../infra/stack/settings.ts';
import { proveStore } from '../infra/stack/store-proof.ts';
import { ActivityMetrics } from './activity-metrics.ts';
import { createLog, installRuntime } from './logging.ts';
import { jointly } from './jointly.ts';
import { OngoingActivities } from './ongoing.ts';
import { serve } from './serve.ts';
import { startTracing } from './tracing.ts';
import { servingOptions, servingSettings } from './serving-settings.ts';
import { workflowBundle } from './workflow-bundle.ts';

const log = createLog('control');
const metrics = new ActivityMetrics(installRuntime(log).metricMeter, log);
const settings = readSettings();
const serving = servingSettings();
const dataConverter = dataConverterOf();
const ongoing = new OngoingActivities(settings.home, log);
const tracing = startTracing('control');
const codeVersion = codeVersionOf();
const buildVersion = buildVersionOf();
const codePath = await workflowBundle(join(dirname(cacheRoot()), 'bundles'), { traced: tracing !== undefined });
const store = openArtifactStore(settings.s3, { onTransfer: metrics.onTransfer, prove: () => proveStore(settings.s3) });
const activities = createControlActivities({
  store,
  codeVersion,
  log,
  environment: process.env,
  hub: new Hub(hubSettings(process.env)),
  openBucket: (bucket) => openObjectStore({ ...settings.s3, bucket }),
});

await serve({
  name: 'control',
  settings,
  serving,
  log,
  ongoing,
  createWorker: async (connection) =>
    jointly([
      await Worker.create({
        connection,
        namespace: settings.temporal.namespace,
        dataConverter,
        taskQueue: settings.taskQueues.control,
        workflowBundle: { codePath },
        activities,
        // When a worker dies, its workflows' next tasks wait this long for it before any other worker may take them.
        stickyQueueScheduleToStartTimeout: '3s',
        interceptors: {
          activity: [
            (context) => ({ inbound: ongoing.interceptor(context) }),
            (context) => ({ inbound: metrics.interceptor(context) }),
            ...(tracing ? [tracing.activity] : []),
          ],
        },
        ...(tracing && { sinks: tracing.sinks }),
        ...servingOptions(serving, buildVersion),
      }),
    ]),
});
// If closing fails, the store's lease expires after a few minutes.
await store.close().catch(() => undefined);
await tracing?.close();
process.exit(0);
