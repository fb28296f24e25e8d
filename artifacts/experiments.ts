/**
 * `experiments/<id>.json`: one document per successful experiment, with refs to all its artifacts. A garbage collection
 * keeps them while the document exists.
 */
import { keyPart } from './key-part.ts';

export const experimentsPrefix = 'experiments/';

/** File systems, and MinIO's buckets, allow 255 bytes a name; imports add a few. */
const keyPartLengthMax = 230;

/** Whether an experiment with this id can be stored: text in well-formed UTF-16, and not too long. */
export function isStorableId(experimentId: string): boolean {
  try {
    return experimentId !== '' && keyPart(experimentId).length <= keyPartLengthMax;
  } catch {
    return false;
  }
}

/** Key of the experiment's document. */
export function experimentKey(experimentId: string): string {
  return `${experimentsPrefix}${keyPart(experimentId)}.json`;
}
