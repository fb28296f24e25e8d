/** The store answers 503 SlowDown. */
import { between, type Fault } from '../fault.ts';

export const fault: Fault = {
  isCrash: false,
  strike: (stack, strength) => stack.disturbStore('unavailable', between(1, 30, strength)),
};
