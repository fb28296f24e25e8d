/** A fault that a chaos plan can command. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosStack } from './chaos-stack.ts';

export interface Fault {
  /**
   * Does it, and ends it. `strength` in [0, 1): how long or how often, from the plan. Resolves to whether it met
   * anything: no engine may have been running that could be killed.
   */
  readonly strike: (stack: ChaosStack, strength: number) => Promise<boolean>;
  /** Whether a worker or a server is gone afterwards, so that the time to the next finished activity is its recovery. */
  readonly isCrash: boolean;
}

/** A count or a time between two bounds. */
export function between(low: number, high: number, strength: number): number {
  return Math.round(low + (high - low) * strength);
}

/** A fault that lasts for a time between two bounds, in milliseconds. */
export function lasting(
  [low, high]: readonly [number, number],
  begin: (stack: ChaosStack) => void,
  end: (stack: ChaosStack) => void,
): Fault {
  return {
    isCrash: false,
    async strike(stack, strength) {
      begin(stack);
      await sleep(between(low, high, strength));
      end(stack);
      return true;
    },
  };
}
