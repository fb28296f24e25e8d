/** The store takes a second longer to answer. */
import { between, type Fault } from '../fault.ts';

export const fault: Fault = {
  isCrash: false,
  strike: (stack, strength) => stack.disturbStore('slow', between(1, 10, strength)),
};
