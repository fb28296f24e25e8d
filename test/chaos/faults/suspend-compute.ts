/**
 * A compute worker stops for longer than its heartbeats may be missing (15 s), and goes on: two attempts at one
 * activity run at the same time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { between, type Fault } from '../fault.ts';

export const fault: Fault = {
  isCrash: false,
  async strike({ compute }, strength) {
    compute.suspend();
    await sleep(between(16_000, 20_000, strength));
    compute.resume();
    return true;
  },
};
