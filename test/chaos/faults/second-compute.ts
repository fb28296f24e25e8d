/**
 * The compute worker stops, another one takes over its work when its heartbeats have been missing for long enough, and
 * then the first one goes on: both believe to own the run's state.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { between, type Fault } from '../fault.ts';

export const fault: Fault = {
  isCrash: false,
  victim: 'compute',
  isPause: true,
  async strike(stack, strength) {
    stack.compute.suspend();
    stack.startSecondCompute();
    const isTakenOver = await stack.computeGoesOn();
    // The other one has written a part of a result, all of it, or the next ones too.
    await sleep(between(0, 1_000, strength));
    stack.compute.resume();
    return isTakenOver;
  },
};
