/** The control worker dies. */
import type { Fault } from '../fault.ts';

export const fault: Fault = {
  isCrash: true,
  victim: 'control',
  strike(stack) {
    stack.control.kill();
    return Promise.resolve(true);
  },
};
