/** A compute worker dies, with its engines. */
import type { Fault } from '../fault.ts';

export const fault: Fault = {
  isCrash: true,
  victim: 'compute',
  strike(stack) {
    stack.compute.kill();
    return Promise.resolve(true);
  },
};
