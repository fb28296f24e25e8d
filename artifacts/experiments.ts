/**
 * `experiments/<id>.json`: one document per successful experiment, with refs to all its artifacts. A garbage collection
 * keeps them while the document exists.
 */
import type { ArtifactStore } from './store/artifact-store.ts';
import { parseJsonBytes } from './codecs/json-value.ts';
import { keyPart } from './key-part.ts';

export const experimentsPrefix = 'experiments/';

/** Key of the experiment's document. */
export function experimentKey(experimentId: string): string {
  return `${experimentsPrefix}${keyPart(experimentId)}.json`;
}

/**
 * Reads the document (an ExperimentIndex, pipeline/reporting/experiment-index.ts); undefined if no such experiment has
 * succeeded.
 */
export async function findExperiment({ objects }: ArtifactStore, experimentId: string): Promise<unknown> {
  const bytes = await objects.get(experimentKey(experimentId));
  return bytes && parseJsonBytes(bytes);
}
