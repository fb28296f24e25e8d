/**
 * `experiments/<id>.json`: one document per successful experiment, with refs to all its artifacts. A garbage collection
 * keeps them while the document exists.
 */
import { keyPart } from './key-part.ts';

export const experimentsPrefix = 'experiments/';

/** Key of the experiment's document. */
export function experimentKey(experimentId: string): string {
  return `${experimentsPrefix}${keyPart(experimentId)}.json`;
}
