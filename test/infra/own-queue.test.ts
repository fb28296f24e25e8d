import { expect, it } from 'vitest';
import { isOwnQueue, ownQueueOf } from '../../infra/stack/own-queue.ts';

it('is known by its name, and another one for each worker', () => {
  const queues = [ownQueueOf('mtrl-compute'), ownQueueOf('mtrl-compute')];
  expect(queues.every(isOwnQueue)).toBe(true);
  expect(queues[0]).not.toBe(queues[1]);
  expect(['mtrl-compute', 'mtrl-compute-gpu', 'team@site-compute'].some(isOwnQueue)).toBe(false);
});
