/**
 * Sends the work on a run's policy to the worker whose engine holds it: another one would have to repeat the updates since
 * the last snapshot first.
 */
import { type ActivityOptions, ActivityFailure, ApplicationFailure, isCancellation } from '@temporalio/workflow';
import type { Held } from '../../contract/activities.ts';

/** One attempt, and soon: any worker can do the work, if this one is gone or busy. */
const once = { scheduleToStartTimeout: '5s', retry: { maximumAttempts: 1 } } as const;

export class PolicyHolder {
  #taskQueue: string | undefined;

  constructor(taskQueue?: string) {
    this.#taskQueue = taskQueue;
  }

  /** Part of RunCarry. */
  get carried(): Held {
    return this.#taskQueue === undefined ? {} : { heldBy: this.#taskQueue };
  }

  /** Runs an activity on the run's policy. They are not concurrent. */
  async run<R extends Held>(execute: (options: ActivityOptions) => Promise<R>, options: ActivityOptions): Promise<R> {
    const taskQueue = this.#taskQueue;
    this.#taskQueue = undefined;
    const made =
      taskQueue === undefined
        ? await execute(options)
        : await execute({ ...options, taskQueue, ...once }).catch((error: unknown) => {
            if (isFinal(error)) throw error;
            return execute(options);
          });
    this.#taskQueue = made.heldBy;
    return made;
  }
}

function isFinal(error: unknown): boolean {
  if (isCancellation(error) || !(error instanceof ActivityFailure)) return true;
  return error.cause instanceof ApplicationFailure && error.cause.nonRetryable === true;
}
