/** A compute process dies, for example by the out-of-memory killer. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.ts';

/** The worker may have no engine yet, or none any more. */
const attemptCount = 200;

export const fault: Fault = {
  isCrash: true,
  async strike({ compute }) {
    for (let attempt = 0; attempt < attemptCount; attempt++) {
      if (compute.killChild()) return true;
      await sleep(100);
    }
    return false;
  },
};
