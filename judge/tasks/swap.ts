/** A pair in the other order: a judge that looks at the pictures chooses the same one, a position-biased one does not. */
import { assert } from '../../core/assert.ts';
import type { Example } from '../example.ts';

const suffix = '#swapped';

/**
 * Images reversed, label exchanged, `#swapped` added to the id (or taken off it, so swapping twice gives the pair back).
 * The rationale is left out: it speaks of first and second.
 */
export function swapPair(pair: Example, labels: readonly [string, string, ...string[]]): Example {
  assert(pair.images.length === 2, `${pair.id} has ${pair.images.length} images: only a pair has another order`);
  assert(labels.includes(pair.label), `${pair.id}: ${pair.label} is not a label of its task`);
  return {
    task: pair.task,
    split: pair.split,
    fields: pair.fields,
    groupKey: pair.groupKey,
    id: pair.id.endsWith(suffix) ? pair.id.slice(0, -suffix.length) : pair.id + suffix,
    images: [...pair.images].reverse(),
    label: pair.label === labels[0] ? labels[1] : labels[0],
  };
}
