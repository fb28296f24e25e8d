/** Tells a run which worker holds its policy now. */
import type { Held } from '../contract/activities.ts';
import type { Caller } from '../pipeline/heartbeat.ts';

/**
 * @param ownQueue task queue that only this worker polls; absent in a worker without one
 * @param isMade whether an engine of this worker made the result, so that it holds the policy
 */
export function held<I, R extends Held>(
  ownQueue: string | undefined,
  isMade: (result: R) => boolean,
  work: (input: I, caller: Caller) => Promise<R>,
): (input: I, caller: Caller) => Promise<R> {
  return async (input, caller) => {
    const result = await work(input, caller);
    return ownQueue !== undefined && isMade(result) ? { ...result, heldBy: ownQueue } : result;
  };
}
