/** The task queue that one compute worker polls alone, for work on the policies that its engines hold. */
import { randomUUID } from 'node:crypto';

/** A queue that a user names does not end like this. */
const ending = /@[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** @param taskQueue that the worker shares with others */
export function ownQueueOf(taskQueue: string): string {
  return `${taskQueue}@${randomUUID()}`;
}

/** Whether tasks on this queue pass to the shared one by themselves when its worker is gone. */
export function isOwnQueue(taskQueue: string): boolean {
  return ending.test(taskQueue);
}
