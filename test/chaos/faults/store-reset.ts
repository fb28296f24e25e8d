/** Connections to the store are reset. */
import { between, type Fault } from '../fault.ts';

export const fault: Fault = {
  isCrash: false,
  strike: (stack, strength) => stack.disturbStore('reset', between(1, 12, strength)),
};
