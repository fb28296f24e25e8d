/** Which prompts of a step each of its updates sees. */
import { Rng } from '../../core/rng.ts';

export interface Minibatches {
  /** Updates of one pass over the step's rollouts. */
  readonly updateCount: number;
  /** Passes. */
  readonly epochCount: number;
  /** Of the run. */
  readonly seed: number;
}

/**
 * Indices of the prompts of each update, in order. Every pass contains every prompt once, in minibatches of equal size
 * to within one, shuffled by (seed, step, pass).
 */
export function minibatchPrompts(promptCount: number, step: number, minibatches: Minibatches): number[][] {
  const { updateCount, epochCount, seed } = minibatches;
  return Array.from({ length: epochCount }, (_pass, epoch) => {
    const indices = Array.from({ length: promptCount }, (_prompt, index) => index);
    if (updateCount > 1) new Rng('minibatches', seed, step, epoch).shuffle(indices);
    return Array.from({ length: updateCount }, (_update, i) =>
      indices.slice(Math.floor((i * promptCount) / updateCount), Math.floor(((i + 1) * promptCount) / updateCount)),
    );
  }).flat();
}
