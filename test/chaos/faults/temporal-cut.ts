/** All connections to Temporal are cut. */
import type { Fault } from '../fault.ts';

export const fault: Fault = {
  isCrash: false,
  strike(stack) {
    stack.temporalProxy.cut();
    return Promise.resolve(true);
  },
};
