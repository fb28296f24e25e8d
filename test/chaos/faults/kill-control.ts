/** The control worker dies. */
import type { Fault } from '../fault.ts';

export const fault: Fault = {
  isCrash: true,
  strike(stack) {
    stack.control.kill();
    return Promise.resolve(true);
  },
};
