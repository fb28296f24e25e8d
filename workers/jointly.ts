/** Workers of one process that start and end together. */
import type { Worker } from '@temporalio/worker';

/** What `serve` needs of a worker. */
export interface Polling {
  readonly taskQueue: string;
  readonly isRunning: () => boolean;
  readonly shutdown: () => void;
  /** Resolves when all have ended, and rejects with the first failure. */
  readonly run: () => Promise<void>;
}

/** @param workers the first one's task queue is the name of all */
export function jointly(workers: readonly [Worker, ...Worker[]]): Polling {
  const shutdown = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  return {
    taskQueue: workers[0].options.taskQueue,
    isRunning: () => workers.every((worker) => worker.getState() === 'RUNNING'),
    shutdown,
    run: async () => {
      const outcomes = await Promise.allSettled(workers.map((worker) => worker.run().finally(shutdown)));
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    },
  };
}
