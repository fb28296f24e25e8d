/** The seed of what a run draws: examples, samples, minibatches, changes of pictures. */
import { Rng } from '../../core/rng.ts';
import type { RunRef } from '../../contract/activities.ts';

/** The run's own seed, and another one after each time that the run went back to a snapshot. */
export function drawSeed({ seed, rewindCount = 0 }: Pick<RunRef, 'seed' | 'rewindCount'>): number {
  return rewindCount === 0 ? seed : new Rng('rewind', seed, rewindCount).word();
}
