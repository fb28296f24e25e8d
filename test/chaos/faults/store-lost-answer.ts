/** Writes are applied, and their answers are lost. */
import { between, type Fault } from '../fault.ts';

export const fault: Fault = {
  isCrash: false,
  strike: (stack, strength) => stack.disturbStore('lost-answer', between(1, 6, strength)),
};
