/** Writes reach the store twice, conditional ones too. */
import { between, type Fault } from '../fault.ts';

export const fault: Fault = {
  isCrash: false,
  strike: (stack, strength) => stack.disturbStore('repeated', between(1, 20, strength)),
};
