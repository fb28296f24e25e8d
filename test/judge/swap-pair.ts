import type { Example } from '../../judge/example.ts';
import type { Labels } from '../../judge/kinds/kind.ts';
import { reordered } from '../../judge/tasks/reorder.ts';

export function swapPair(pair: Example, labels: Labels): Example {
  return reordered(pair, labels, [1, 0]);
}
