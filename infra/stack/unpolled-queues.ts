/** Task queues on which tasks wait although no worker polls them, such as that of a pool that nobody has started. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import proto from '@temporalio/proto';
import { isOwnQueue } from './own-queue.ts';
import type { StackSettings } from './settings.ts';

export interface UnpolledQueue {
  readonly taskQueue: string;
  readonly waitingCount: number;
}

/** Of PendingActivityState and PendingWorkflowTaskState (temporal.api.enums.v1). */
const states = { scheduled: 1, started: 2 } as const;
const { TASK_QUEUE_TYPE_WORKFLOW, TASK_QUEUE_TYPE_ACTIVITY } = proto.temporal.api.enums.v1.TaskQueueType;
const queueTypes = { workflow: TASK_QUEUE_TYPE_WORKFLOW, activity: TASK_QUEUE_TYPE_ACTIVITY } as const;

/** Open workflows that are looked at. */
const workflowCountMax = 200;
const deadlineMs = 4_000;

interface QueuedTask {
  readonly taskQueue: string;
  readonly type: keyof typeof queueTypes;
  readonly isStarted: boolean;
}

/**
 * Queues of the open workflows that the visibility query finds. A worker whose engines are all busy does not poll, so a
 * queue with a task in progress is not among them. Temporal remembers a worker for five minutes after its last poll.
 */
export function unpolledQueues(client: Client, query: string): Promise<UnpolledQueue[]> {
  return client.withDeadline(Date.now() + deadlineMs, async () => {
    const tasks: QueuedTask[] = [];
    let workflowCount = 0;
    for await (const { workflowId, runId } of client.workflow.list({
      query: `${query} AND ExecutionStatus = 'Running'`,
    })) {
      tasks.push(...(await pendingTasks(client, workflowId, runId)));
      if (++workflowCount === workflowCountMax) break;
    }
    const names = [...new Set(tasks.map(({ taskQueue }) => taskQueue))].sort();
    const queues = await Promise.all(
      names.map(async (taskQueue): Promise<UnpolledQueue[]> => {
        const own = tasks.filter((task) => task.taskQueue === taskQueue);
        const [first] = own;
        if (first === undefined || own.some(({ isStarted }) => isStarted)) return [];
        return (await isPolled(client, first)) ? [] : [{ taskQueue, waitingCount: own.length }];
      }),
    );
    return queues.flat();
  });
}

/** The visibility query for all workflows of a stack. */
export function workflowsOf({ taskQueues }: Pick<StackSettings, 'taskQueues'>): string {
  return `TaskQueue = '${taskQueues.control}'`;
}

export function unpolledText({ taskQueue, waitingCount }: UnpolledQueue, queues: StackSettings['taskQueues']): string {
  const tasks = waitingCount === 1 ? '1 task waits' : `${String(waitingCount)} tasks wait`;
  return `no worker polls task queue ${taskQueue}, where ${tasks}; start one with \`${workerCommand(taskQueue, queues)}\``;
}

function workerCommand(taskQueue: string, { compute }: StackSettings['taskQueues']): string {
  const pool = taskQueue.startsWith(`${compute}-`) ? taskQueue.slice(compute.length + 1) : undefined;
  return pool === undefined ? 'npm run mtrl -- up' : `MTRL_POOL=${pool} node dist/workers/compute.js`;
}

async function pendingTasks(client: Client, workflowId: string, runId: string): Promise<QueuedTask[]> {
  try {
    const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
    const { pendingActivities, pendingWorkflowTask, executionConfig } = raw;
    const activities = (pendingActivities ?? []).map(({ activityOptions, state }) =>
      taskOf('activity', activityOptions?.taskQueue?.name, state),
    );
    return [...activities, taskOf('workflow', executionConfig?.taskQueue?.name, pendingWorkflowTask?.state)].flat();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return [];
    throw error;
  }
}

/**
 * Nothing if no worker could take the task now, as there is none, it is paused, or its cancellation is awaited; and
 * nothing if it will soon be taken from the queue of one worker.
 */
function taskOf(type: QueuedTask['type'], taskQueue: string | null | undefined, state: unknown): QueuedTask[] {
  if (!taskQueue || isOwnQueue(taskQueue) || (state !== states.scheduled && state !== states.started)) return [];
  return [{ taskQueue, type, isStarted: state === states.started }];
}

async function isPolled(client: Client, { taskQueue, type }: QueuedTask): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    ...{ namespace: client.options.namespace, taskQueue: { name: taskQueue } },
    taskQueueType: queueTypes[type],
  });
  return pollers.length > 0;
}
