/** A garbage collection's plan over 100,000 objects, half of them referred to, in a folder store: time and memory. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ArtifactStore } from '../artifacts/artifact-store.ts';
import { experimentKey } from '../artifacts/experiments.ts';
import { FolderObjectStore } from '../artifacts/folder-object-store.ts';
import { collectGarbage } from '../artifacts/garbage.ts';
import { jsonBytes } from '../artifacts/json-value.ts';
import { manifestKey } from '../artifacts/manifest.ts';
import { blobKeyOf } from '../artifacts/ref-key.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { sha256 } from '../core/json.ts';
import { rounded } from './statistics.ts';

const objectCount = 100_000;
/** A rollout, its rewards and the step record, each with its manifest. */
const objectCountPerStep = 6;

export async function bench(log: (line: string) => void) {
  const root = mkdtempSync(join(tmpdir(), 'mtrl-gc-bench-'));
  try {
    const store = new ArtifactStore(new FolderObjectStore(root));
    const stepCount = Math.ceil(objectCount / objectCountPerStep);
    log(`writing ${String(stepCount * objectCountPerStep)} objects`);
    const records = Array.from({ length: stepCount }, (_, step) => writeStep(store, root, step));
    const kept = records.filter((_, step) => step % 2 === 0);
    write(root, experimentKey('kept'), jsonBytes({ runs: kept }));
    const before = process.memoryUsage().rss;
    let peak = before;
    const sampler = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 50);
    const startedAtMs = performance.now();
    const plan = await collectGarbage(store, {
      ...{ dryRun: true, forgotten: new Set<string>() },
      runningRoots: noDocuments,
      youngSinceMs: () => Promise.resolve(Date.now() + 1_000),
    });
    const planMs = performance.now() - startedAtMs;
    clearInterval(sampler);
    return {
      objectCount: plan.objectCount,
      garbageCount: plan.garbage.objectCount,
      planSeconds: rounded(planMs / 1_000),
      memoryGrowthMebibytes: rounded((peak - before) / 1024 / 1024),
    };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function* noDocuments(): AsyncGenerator {
  // Nothing runs.
}

/** The ref of the step's record. */
function writeStep(store: ArtifactStore, root: string, step: number): ArtifactRef {
  const make = (activity: string, value: unknown, inputs: Record<string, ArtifactRef>): ArtifactRef => {
    const bytes = jsonBytes(value);
    const ref = store.refOf({ sha256: sha256(bytes), byteLength: bytes.byteLength });
    write(root, blobKeyOf(ref.sha256), bytes);
    const producer = manifestKey(activity, sha256(`${activity} ${String(step)}`));
    const made = { ...ref, producer };
    write(root, producer, jsonBytes({ activity, inputs, outputs: { [activity]: made } }));
    return made;
  };
  const text = 'a sentence that a judge may say '.repeat(100);
  const rollouts = make('rollout', { step, text }, {});
  const rewards = make('reward', { step, rewards: text.slice(0, 1_000) }, { rollouts });
  return make('optimize', { step, update: { rollouts: [rollouts], rewards } }, { rollouts, rewards });
}

/** Past the store, which would bring every file to the disk. */
function write(root: string, key: string, bytes: Uint8Array): void {
  const path = join(root, key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}
