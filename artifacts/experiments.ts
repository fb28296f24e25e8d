/** `experiments/<id>.json`: one document an experiment that has ended well, naming all that it made. What it names is kept as long as it is there. */
import type { ArtifactStore } from './store/artifact-store.ts';
import { parseJsonBytes } from './codecs/json-value.ts';

export const experimentsPrefix = 'experiments/';

/** Workflow ids may hold anything; keys may not. */
export function experimentKey(experimentId: string): string {
  const escaped = encodeURIComponent(experimentId).replace(
    /[%!'()*~]/g,
    (sign) => `=${sign.charCodeAt(0).toString(16)}`,
  );
  return `${experimentsPrefix}${escaped}.json`;
}

/** The document (pipeline/reporting/experiment-index.ts says of what type); undefined when there is no such experiment, or it has not ended well. */
export async function findExperiment({ objects }: ArtifactStore, experimentId: string): Promise<unknown> {
  const bytes = await objects.get(experimentKey(experimentId));
  return bytes && parseJsonBytes(bytes);
}
