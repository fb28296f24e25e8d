/**
 * Garbage collections during the activities of an experiment delete nothing that they need, even if everything without
 * a lease counts as old.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { collectGarbage } from '../../artifacts/collection/garbage.ts';
import { StoreLease } from '../../artifacts/collection/lease.ts';
import { verifyArtifacts } from '../../artifacts/verify.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { realActivities } from '../support/real-activities.ts';

const hourMs = 60 * 60_000;

/** A store that runs a whole collection after each write. */
class CollectedStore extends FolderObjectStore {
  collect: () => Promise<void> = () => Promise.resolve();

  override async put(...args: Parameters<FolderObjectStore['put']>): Promise<void> {
    await super.put(...args);
    await this.collect();
  }

  override async putStream(...args: Parameters<FolderObjectStore['putStream']>): Promise<void> {
    await super.putStream(...args);
    await this.collect();
  }

  override async putIfAbsent(
    ...args: Parameters<FolderObjectStore['putIfAbsent']>
  ): ReturnType<FolderObjectStore['putIfAbsent']> {
    const written = await super.putIfAbsent(...args);
    await this.collect();
    return written;
  }
}

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-collected-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

it('an ingestion, an import, updates, a snapshot and an evaluation lose nothing to a collection after each write', async () => {
  const objects = new CollectedStore(join(root, 'store'));
  const plain = new FolderObjectStore(join(root, 'store'));
  const store = new ArtifactStore(objects, { cacheByteLengthMax: 0, lease: new StoreLease(objects) });
  const { control, compute, run, close } = await realActivities(store, root);
  // The results that a workflow would have in its history.
  const known: unknown[] = [];
  const counts = { collection: 0, removed: 0 };
  objects.collect = async () => {
    const { garbage } = await collectGarbage(new ArtifactStore(plain), {
      ...{ dryRun: false, forgotten: new Set<string>(), youngSinceMs: () => Promise.resolve(Date.now() + hourMs) },
      runningRoots: () => Readable.from(known),
    });
    counts.collection++;
    counts.removed += garbage.objectCount;
  };
  const call = async <I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> => {
    const before = counts.collection;
    const result: R = await run(activity, input);
    known.push(result);
    expect(counts.collection).toBeGreaterThan(before);
    return result;
  };
  try {
    const { recipe } = await call(control.prepare, { recipe: tinyRecipe({ sftStepCount: 2, grpoStepCount: 2 }) });
    const { dataset } = await call(control.ingest, { recipe });
    const { policy: initial } = await call(compute.importPolicy, { recipe });
    const ref = { recipe, dataset, arm: 'sft-start', seed: 0 };
    const { plan } = await call(control.mix, ref);
    const { record } = await call(compute.optimize, { ...ref, plan, fromStep: 0, toStep: 2, policy: initial });
    const { snapshot } = await call(compute.snapshot, { policy: { ...initial, log: [record] }, step: 2 });
    const policy = { snapshot, log: [] };
    await call(compute.evaluate, { ...ref, policy, task: 'safety', split: 'test', mode: 'direct' });
    await store.close();
    const all = await new ArtifactStore(plain).putJson(known);
    const { problems, artifactCount } = await verifyArtifacts(new ArtifactStore(plain), [all]);
    expect(problems).toEqual([]);
    expect(artifactCount).toBeGreaterThan(30);
    // Checks that these collections do delete what nothing references.
    known.length = 0;
    await objects.collect();
    expect(counts.removed).toBeGreaterThan(artifactCount);
  } finally {
    await close();
  }
});
