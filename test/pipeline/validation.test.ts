/**
 * Validation with a small judge on a real engine: it asks what the arm says and nothing else, and a collection of garbage
 * while the run goes on keeps the best snapshot, though the run has gone on from it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createComputeActivities } from '../../activities/compute.ts';
import { createControlActivities } from '../../activities/control.ts';
import { collectGarbage } from '../../artifacts/collection/garbage.ts';
import { readManifest } from '../../artifacts/manifest.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { verifyArtifacts } from '../../artifacts/verify.ts';
import type { TaskScores } from '../../contract/activities.ts';
import { EnginePool } from '../../pipeline/policies/engine-pool.ts';
import { StateCache } from '../../pipeline/policies/state-cache.ts';
import { openEmbedded } from '../../policy/engines/embedded/open.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { validatedRecipe } from '../support/validated-recipe.ts';

const recipe = validatedRecipe({
  stepCount: 4,
  validation: { exampleCountMax: 5 },
  evaluation: { modes: ['strict', 'forced-choice'], probes: ['blank-image'] },
});

it('asks strictly, on the examples of its own split; the best snapshot outlives a collection and is tested', async () => {
  const root = await mkdtemp(join(tmpdir(), 'mtrl-validated-'));
  const store = new ArtifactStore(new FolderObjectStore(join(root, 'store')));
  const deps = { store, codeVersion: () => 'code', log: pino({ enabled: false }) };
  const engines = await openEmbedded({ environment: {}, threadCount: 1, store, spoolFolder: root });
  const enginePool = new EnginePool(1, () => engines.start());
  const control = createControlActivities(deps);
  const stateCache = new StateCache(engines.states);
  const compute = createComputeActivities({
    ...{ ...deps, enginePool, transfer: engines.states, stateCache, spoolFolder: root },
  });
  const environment = new MockActivityEnvironment({}, { logger: silentLogger });
  const call = <I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> =>
    environment.run<[I], R, (input: I) => Promise<R>>(activity, input);
  try {
    const prepared = await call(control.prepare, { recipe });
    expect(prepared.runs[0]?.validation).toMatchObject({ tasks: ['technical', 'safety'], split: 'val' });
    const { dataset } = await call(control.ingest, { recipe: prepared.recipe });
    const { policy: initial } = await call(compute.importPolicy, { recipe: prepared.recipe });
    const ref = { recipe: prepared.recipe, dataset, arm: 'sft', seed: 0 };
    const { plan } = await call(control.mix, ref);
    const snapshotAfter = async (snapshot: typeof initial.snapshot, fromStep: number) => {
      const policy = { snapshot, log: [] };
      const steps = { ...ref, plan, fromStep, toStep: fromStep + 2, policy };
      const { record } = await call(compute.optimize, steps);
      return call(compute.snapshot, { policy: { snapshot, log: [record] }, step: fromStep + 2 });
    };
    const best = await snapshotAfter(initial.snapshot, 0);
    const asked = { ...ref, policy: { snapshot: best.snapshot, log: [] }, task: 'safety', mode: 'direct' } as const;
    const validated = await call(compute.evaluate, { ...asked, split: 'val', isValidation: true });
    const scores = await scoresOf(store, validated.manifest);
    expect(scores).toMatchObject({ split: 'val', exampleCount: 5 });
    expect(scores.forcedChoice ?? scores.variants).toBeUndefined();
    const last = await snapshotAfter(best.snapshot, 2);

    // All that a run that has continued as new still refers to.
    const carried = { recipe: prepared.recipe, dataset, policy: { snapshot: last.snapshot, log: [] }, plan };
    const { garbage } = await collectGarbage(store, {
      ...{ dryRun: false, forgotten: new Set<string>(), youngSinceMs: () => Promise.resolve(Date.now() + 3_600_000) },
      runningRoots: () => Readable.from([carried]),
    });
    expect(garbage.objectCount).toBeGreaterThan(0);
    const { problems } = await verifyArtifacts(store, [best.snapshot, best.checkpoint]);
    expect(problems).toEqual([]);
    const tested = await call(compute.evaluate, { ...asked, split: 'test' });
    const whole = await scoresOf(store, tested.manifest);
    expect(whole).toMatchObject({ split: 'test', exampleCount: 6 });
    expect(whole.forcedChoice).toBeDefined();
    expect(whole.variants).toHaveLength(1);
  } finally {
    await enginePool.close();
    await store.close();
    await rm(root, { recursive: true, force: true });
  }
});

async function scoresOf(store: ArtifactStore, manifest: { readonly uri: string; readonly sha256: string }) {
  const found = await readManifest(store, store.keyOf({ ...manifest, byteLength: 0 }));
  return (found?.manifest.summary as { readonly scores: TaskScores }).scores;
}
