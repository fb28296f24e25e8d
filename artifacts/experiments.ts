/**
 * `experiments/<id>.json`: one document per successful experiment, with refs to all its artifacts. A garbage collection
 * keeps them while the document exists.
 */
import type { ArtifactStore } from './store/artifact-store.ts';
import { parseJsonBytes } from './codecs/json-value.ts';

export const experimentsPrefix = 'experiments/';

/** Key of the experiment's document, with the id escaped: workflow ids may contain any character, keys may not. */
export function experimentKey(experimentId: string): string {
  const escaped = encodeURIComponent(experimentId).replace(
    /[%!'()*~]/g,
    (sign) => `=${sign.charCodeAt(0).toString(16)}`,
  );
  return `${experimentsPrefix}${escaped}.json`;
}

/**
 * Reads the document (an ExperimentIndex, pipeline/reporting/experiment-index.ts); undefined if no such experiment has
 * succeeded.
 */
export async function findExperiment({ objects }: ArtifactStore, experimentId: string): Promise<unknown> {
  const bytes = await objects.get(experimentKey(experimentId));
  return bytes && parseJsonBytes(bytes);
}
