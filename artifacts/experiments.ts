/** `experiments/<id>.json`: one document per successful experiment, with refs to all its artifacts, which are kept while it exists. */
import type { ArtifactStore } from './store/artifact-store.ts';
import { parseJsonBytes } from './codecs/json-value.ts';

export const experimentsPrefix = 'experiments/';

/** Workflow ids may contain any character; keys may not. */
export function experimentKey(experimentId: string): string {
  const escaped = encodeURIComponent(experimentId).replace(
    /[%!'()*~]/g,
    (sign) => `=${sign.charCodeAt(0).toString(16)}`,
  );
  return `${experimentsPrefix}${escaped}.json`;
}

/** The document (its type is in pipeline/reporting/experiment-index.ts); undefined if no such experiment has succeeded. */
export async function findExperiment({ objects }: ArtifactStore, experimentId: string): Promise<unknown> {
  const bytes = await objects.get(experimentKey(experimentId));
  return bytes && parseJsonBytes(bytes);
}
