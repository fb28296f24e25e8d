/** A control worker with made-up activities as a process of its own, to be killed: `node --import tsx control-worker.ts ADDRESS NAMESPACE QUEUE`. */
import { NativeConnection, Worker } from '@temporalio/worker';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import { bundleFolder } from './bundle-folder.ts';
import { MadeUpActivities } from './made-up-activities.ts';

const [, , address = '', namespace = '', taskQueue = ''] = process.argv;
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  ...{ connection, namespace, taskQueue, activities: { ...new MadeUpActivities().control } },
  workflowBundle: { codePath: await workflowBundle(bundleFolder) },
  stickyQueueScheduleToStartTimeout: '1s',
});
process.stdout.write('polling\n');
await worker.run();
