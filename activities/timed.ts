/** Records when an activity ended, for a run with a ceiling of time: workflows must not read a clock. */
import type { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import type { RunRef, Timed } from '../contract/activities.ts';
import type { Caller } from '../pipeline/heartbeat.ts';

/** By the store's clock, which all workers share. */
export function timed<I extends Pick<RunRef, 'isTimed'>, R extends Timed>(
  { objects }: ArtifactStore,
  work: (input: I, caller: Caller) => Promise<R>,
): (input: I, caller: Caller) => Promise<R> {
  return async (input, caller) => {
    const result = await work(input, caller);
    return input.isTimed === true ? { ...result, endedAtMs: await objects.timeMs() } : result;
  };
}
