/**
 * The compute worker stops for longer than its heartbeats may be missing, another one takes over its work, and then
 * the first one goes on: both believe to own the run's state.
 */
import { pausing } from '../fault.ts';

export const fault = pausing('compute', [17_000, 22_000], (stack) => stack.startSecondCompute());
