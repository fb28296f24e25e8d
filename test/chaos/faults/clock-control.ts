/** The clock of the control worker's machine jumps hours ahead or back, and is right again later. */
import { movingClock } from '../fault.ts';

export const fault = movingClock('control');
