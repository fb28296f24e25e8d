/** Nothing passes between the workers and Temporal for one to eight seconds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { between, type Fault } from '../fault.ts';

export const fault: Fault = {
  isCrash: false,
  async strike({ temporalProxy }, strength) {
    temporalProxy.hold();
    await sleep(between(1_000, 8_000, strength));
    temporalProxy.release();
    return true;
  },
};
