/** A garbage collection's plan, in a process of its own, so that its memory is its own. bench/gc.ts starts it with the place. */
import { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import { collectGarbage, type Garbage } from '../artifacts/collection/garbage.ts';
import { objectsAt, type StorePlace } from './gc-store.ts';

export interface MeasuredPlan {
  readonly plan: Garbage;
  readonly planMs: number;
  /** Of the process, with the programs that it has loaded. */
  readonly peakByteLength: number;
  readonly growthByteLength: number;
}

async function* noDocuments(): AsyncGenerator {
  // Nothing runs.
}

process.once('message', (place: StorePlace) => {
  void measure(new ArtifactStore(objectsAt(place), { cacheByteLengthMax: 0 })).then((measured) => {
    process.send?.(measured);
    process.disconnect();
  });
});

async function measure(store: ArtifactStore): Promise<MeasuredPlan> {
  const before = process.memoryUsage().rss;
  const startedAtMs = performance.now();
  const plan = await collectGarbage(store, {
    ...{ dryRun: true, forgotten: new Set<string>() },
    runningRoots: noDocuments,
    // What was written a moment ago counts as old, too.
    youngSinceMs: () => Promise.resolve(Date.now() + 60_000),
  });
  const planMs = performance.now() - startedAtMs;
  const peakByteLength = process.resourceUsage().maxRSS * 1024;
  return { plan, planMs, peakByteLength, growthByteLength: peakByteLength - before };
}
