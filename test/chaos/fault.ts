/** A fault that a chaos plan can command. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkerName } from '../../infra/stack/workers.ts';
import type { ChaosStack, DiskName } from './chaos-stack.ts';

export interface Fault {
  /**
   * Does it, and ends it. `strength` in [0, 1): how long or how often, from the plan. Resolves to whether it met
   * anything: no engine may have been running that could be killed.
   */
  readonly strike: (stack: ChaosStack, strength: number) => Promise<boolean>;
  /** Whether a worker or a server is gone afterwards, so that the time to the next finished activity is its recovery. */
  readonly isCrash: boolean;
  /** The worker that it befalls. A command for its writes strikes at those of this worker; absent: of any. */
  readonly victim?: WorkerName;
  /** Whether the victim does nothing while it lasts: the request at which it strikes is sent afterwards. */
  readonly isPause?: boolean;
}

/** A count or a time between two bounds. */
export function between(low: number, high: number, strength: number): number {
  return Math.round(low + (high - low) * strength);
}

/** A worker that stops for a time between two bounds, in milliseconds, and goes on. */
export function pausing(victim: WorkerName, bounds: readonly [number, number]): Fault {
  const fault = lasting(
    bounds,
    (stack) => stack[victim].suspend(),
    (stack) => stack[victim].resume(),
  );
  return { ...fault, victim, isPause: true };
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

/** A disk that is full for a time between two bounds, in milliseconds; meets nothing where none could be mounted. */
export function filling(disk: DiskName, [low, high]: readonly [number, number]): Fault {
  return {
    isCrash: false,
    async strike({ disks }, strength) {
      const small = disks?.[disk];
      await small?.fill();
      await sleep(between(low, high, strength));
      small?.free();
      return small !== undefined;
    },
  };
}

const hourMs = 60 * 60_000;

/** A clock that is up to six hours ahead or behind for some seconds. */
export function movingClock(victim: WorkerName): Fault {
  return {
    isCrash: false,
    victim,
    async strike({ [victim]: worker }, strength) {
      worker.moveClock(between(-6, 6, strength) * hourMs);
      await sleep(between(4_000, 8_000, strength));
      worker.moveClock(0);
      return true;
    },
  };
}

/** The worker may have no engine yet, or none any more. */
const attemptCount = 200;

/** What `attempt` finds; undefined if it finds nothing for some time. */
export async function firstOf<T>(attempt: () => T | undefined): Promise<T | undefined> {
  for (let count = 0; count < attemptCount; count++) {
    const found = attempt();
    if (found !== undefined) return found;
    await sleep(100);
  }
  return undefined;
}
