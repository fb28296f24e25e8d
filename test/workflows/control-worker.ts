/**
 * A control worker with fake activities in a process of its own, for tests that kill it: `control-worker.ts ADDRESS
 * NAMESPACE QUEUE BUNDLE`.
 */
import { NativeConnection, Worker } from '@temporalio/worker';
import { MadeUpActivities } from './made-up-activities.ts';

const [, , address = '', namespace = '', taskQueue = '', codePath = ''] = process.argv;
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  ...{ connection, namespace, taskQueue, activities: { ...new MadeUpActivities().control } },
  workflowBundle: { codePath },
  stickyQueueScheduleToStartTimeout: '1s',
});
process.stdout.write('polling\n');
await worker.run();
