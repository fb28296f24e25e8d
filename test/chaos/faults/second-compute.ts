/**
 * The compute worker stops for longer than its heartbeats may be missing, another one takes over its work, and then
 * the first one goes on: both believe to own the run's state.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { between, type Fault } from '../fault.ts';

export const fault: Fault = {
  isCrash: false,
  async strike(stack, strength) {
    stack.compute.suspend();
    stack.startSecondCompute();
    await sleep(between(17_000, 22_000, strength));
    stack.compute.resume();
    return true;
  },
};
