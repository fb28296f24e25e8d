/**
 * Damage to a run's artifacts: `verify` names each damaged object, and after they are deleted the same activities make
 * only these again, to the same digests.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { removeDamaged } from '../../artifacts/repair.ts';
import { ArtifactStore, blobKey } from '../../artifacts/store/artifact-store.ts';
import type { FolderManifest } from '../../artifacts/store/files.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { verifyArtifacts } from '../../artifacts/verify.ts';
import { demoVerdicts, MadeUpEngine } from '../../bench/made-up-engine.ts';
import type { PolicyState } from '../../contract/activities.ts';
import { required } from '../../core/assert.ts';
import type { DatasetArtifact } from '../../pipeline/data/dataset-artifact.ts';
import { FolderStates } from '../../policy/engines/embedded/folder-states.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { realActivities } from '../support/real-activities.ts';

let root: string;
let objects: FolderObjectStore;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-repair-'));
  objects = new FolderObjectStore(join(root, 'store'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A new process each time: what an earlier one holds in memory must not stand in for what is damaged. */
let processCount = 0;

/** Two steps and a snapshot, as a run makes them: the refs of what they made, and the names of what was not found. */
async function trained() {
  const store = new ArtifactStore(objects);
  const folder = join(root, `process-${String(++processCount)}`);
  const states = new FolderStates(store, join(folder, 'states'));
  const start = () => new MadeUpEngine(states, demoVerdicts());
  const { control, compute, run, close } = await realActivities(store, join(folder, 'spool'), { states, start });
  const made: string[] = [];
  const noted = <R extends { readonly cached: boolean }>(name: string, result: R): R => {
    if (!result.cached) made.push(name);
    return result;
  };
  try {
    const { recipe } = await run(control.prepare, { recipe: tinyRecipe({ sftStepCount: 2, grpoStepCount: 2 }) });
    const { dataset } = noted('ingest', await run(control.ingest, { recipe }));
    const { policy: initial } = noted('importPolicy', await run(compute.importPolicy, { recipe }));
    const ref = { recipe, dataset, arm: 'mt-rl', seed: 0 };
    const found = await run(compute.findRun, { ...ref, initial });
    if (found) return { made, isFound: true, outcome: found, dataset, manifest: found.manifest, rollouts: [] };
    const { plan } = noted('mix', await run(control.mix, ref));
    const rollouts: ArtifactRef[] = [];
    let policy: PolicyState = initial;
    for (const step of [0, 1]) {
      const { rollout, reward, update } = await run(compute.step, { ...ref, plan, step, policy });
      for (const [name, part] of Object.entries({ rollout, reward, update })) noted(`${name} ${String(step)}`, part);
      rollouts.push(rollout.rollouts);
      policy = { ...policy, log: [...policy.log, update.record] };
    }
    const { snapshot, checkpoint } = noted('snapshot', await run(compute.snapshot, { policy, step: 2 }));
    const outcome = { checkpoint, policy: { snapshot, log: [] }, mixture: plan };
    const { manifest } = await run(compute.keepRun, { ...ref, initial, outcome });
    return { made, isFound: false, outcome, dataset, manifest, rollouts };
  } finally {
    await close();
  }
}

type Trained = Awaited<ReturnType<typeof trained>>;

const keyOf = ({ uri }: { readonly uri: string }): string => objects.keyOf(uri);
const bytesAt = async (key: string): Promise<Uint8Array> => required(await objects.get(key), key);

/** Each damages something and returns the keys that `verify` must name. */
const damages: Record<string, (made: Trained) => Promise<string[]>> = {
  'a flipped byte': async ({ outcome }) => {
    const { files } = JSON.parse(Buffer.from(await bytesAt(keyOf(outcome.checkpoint))).toString()) as FolderManifest;
    const key = blobKey(required(files['model.safetensors'], 'weights').sha256);
    const bytes = (await bytesAt(key)).slice();
    bytes[3] = required(bytes[3], 'a byte') ^ 1;
    await objects.put(key, bytes);
    return [key];
  },
  'a missing shard': async ({ dataset }) => {
    const { examples } = (await new ArtifactStore(objects).getJson(dataset)) as DatasetArtifact;
    const key = keyOf(required(examples.shards[0], 'a shard').lines);
    await objects.remove([key]);
    return [key];
  },
  'a truncated manifest': async ({ rollouts }) => {
    const key = required(rollouts[0]?.producer, 'a producer');
    await objects.put(key, (await bytesAt(key)).slice(0, 200));
    return [key];
  },
  'swapped shards': async ({ rollouts }) => {
    const keys = rollouts.map(keyOf);
    const [first, second] = await Promise.all(keys.map(bytesAt));
    await objects.put(required(keys[0], 'a key'), required(second, 'a shard'));
    await objects.put(required(keys[1], 'a key'), required(first, 'a shard'));
    return keys;
  },
};

it.each([
  ['a flipped byte', ['snapshot']],
  ['a missing shard', ['ingest']],
  ['a truncated manifest', ['rollout 0']],
  ['swapped shards', ['rollout 0', 'rollout 1']],
])('%s is named, and repaired by making %j again', async (what, remade) => {
  await objects.remove(await keysUnder('manifests/run/'));
  const before = await trained();
  const damaged = await required(damages[what], what)(before);
  const store = new ArtifactStore(objects);
  const { problems } = await verifyArtifacts(store, [before.manifest]);
  expect(problems.map(keyOf).sort()).toEqual([...damaged].sort());

  expect([...(await removeDamaged(store, [before.manifest], problems))].sort()).toEqual([...damaged].sort());
  const after = await trained();
  expect({ isFound: after.isFound, made: after.made }).toEqual({ isFound: false, made: remade });
  expect(after.outcome).toEqual(before.outcome);
  expect((await verifyArtifacts(new ArtifactStore(objects), [after.manifest])).problems).toEqual([]);
  expect((await trained()).isFound).toBe(true);
});

async function keysUnder(prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list(prefix)) keys.push(key);
  return keys;
}
