/** The control worker stops for longer than a workflow task may take (10 s), and goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { between, type Fault } from '../fault.ts';

export const fault: Fault = {
  isCrash: false,
  async strike({ control }, strength) {
    control.suspend();
    await sleep(between(11_000, 14_000, strength));
    control.resume();
    return true;
  },
};
