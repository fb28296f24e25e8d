/** Bodies from the store end in the middle. */
import { between, type Fault } from '../fault.ts';

export const fault: Fault = {
  isCrash: false,
  strike: (stack, strength) => stack.disturbStore('truncated', between(1, 6, strength)),
};
