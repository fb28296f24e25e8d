/**
 * Plans a garbage collection in a process of its own, so that its memory is measured alone. bench/gc.ts sends the
 * store's place.
 */
import { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import { collectGarbage, type Garbage } from '../artifacts/collection/garbage.ts';
import { objectsAt, type StorePlace } from './gc-store.ts';

export interface MeasuredPlan {
  readonly plan: Garbage;
  readonly planMs: number;
  /** Peak resident memory of the process, loaded modules included. */
  readonly peakByteLength: number;
  readonly growthByteLength: number;
}

async function* noDocuments(): AsyncGenerator {
  // No experiments are running.
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
    // Objects written a moment ago count as old, too.
    youngSinceMs: () => Promise.resolve(Date.now() + 60_000),
  });
  const planMs = performance.now() - startedAtMs;
  const peakByteLength = process.resourceUsage().maxRSS * 1024;
  return { plan, planMs, peakByteLength, growthByteLength: peakByteLength - before };
}
