/** The control worker stops for longer than a workflow task may take (10 s), and goes on. */
import { pausing } from '../fault.ts';

export const fault = pausing('control', [11_000, 14_000]);
