/**
 * A compute worker stops for longer than its heartbeats may be missing (15 s), and goes on: two attempts at one
 * activity run at the same time.
 */
import { pausing } from '../fault.ts';

export const fault = pausing('compute', [16_000, 20_000]);
