/** Progress of running experiments, as the server tells it: one connection for all widgets. */
import { useEffect, useState } from 'preact/hooks';
import type { ExperimentProgress } from '../../contract/progress.ts';
import { isBundle } from './bundle.ts';

export interface Progress {
  readonly experimentId: string;
  /** `ENDED` when it runs no more. */
  readonly status: string;
  readonly progress?: ExperimentProgress;
}

const listeners = new Set<(told: Progress) => void>();
let source: EventSource | undefined;

function listen(listener: (told: Progress) => void): () => void {
  listeners.add(listener);
  if (source === undefined && !isBundle) {
    source = new EventSource('/api/events');
    source.onmessage = ({ data }: MessageEvent<string>) => {
      const told = JSON.parse(data) as Progress;
      for (const each of listeners) each(told);
    };
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    source?.close();
    source = undefined;
  };
}

/** The newest progress of an experiment; undefined while nothing was told. */
export function useProgress(experimentId: string): Progress | undefined {
  const [newest, setNewest] = useState<Progress>();
  useEffect(
    () =>
      listen((told) => {
        if (told.experimentId === experimentId) setNewest(told);
      }),
    [experimentId],
  );
  return newest;
}
