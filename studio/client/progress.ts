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
/** What the connection has told, by experiment: the server tells a state once, and a widget may come later. */
const newest = new Map<string, Progress>();
let source: EventSource | undefined;

function listen(listener: (told: Progress) => void): () => void {
  listeners.add(listener);
  if (source === undefined && !isBundle) {
    source = new EventSource('/api/events');
    source.onmessage = ({ data }: MessageEvent<string>) => {
      const told = JSON.parse(data) as Progress;
      newest.set(told.experimentId, told);
      for (const each of listeners) each(told);
    };
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    source?.close();
    source = undefined;
    newest.clear();
  };
}

/** The newest progress of an experiment; undefined while nothing was told. */
export function useProgress(experimentId: string): Progress | undefined {
  const [progress, setProgress] = useState<Progress>();
  useEffect(() => {
    setProgress(newest.get(experimentId));
    return listen((told) => {
      if (told.experimentId === experimentId) setProgress(told);
    });
  }, [experimentId]);
  return progress;
}
