/**
 * Fills a store as runs leave it: each step has its rollouts, rewards and record in the demo's sizes, every 20 steps
 * there is a snapshot, and each output has the manifest that its activity writes. Half of the experiments have a
 * document; the rest is garbage.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import pMap from 'p-map';
import { experimentKey } from '../artifacts/experiments.ts';
import { FolderObjectStore } from '../artifacts/store/folder-object-store.ts';
import { jsonBytes } from '../artifacts/codecs/json-value.ts';
import { type ManifestInputs, memoize } from '../artifacts/manifest.ts';
import type { ObjectStore } from '../artifacts/store/object-store.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { S3ObjectStore } from '../artifacts/store/s3-object-store.ts';
import type { S3Settings } from '../artifacts/store/s3-settings.ts';
import type { Json } from '../core/json.ts';

const experimentCount = 79;
const stepCount = 200;
const snapshotEveryStepCount = 20;
/** How many numbers of 20 characters each a shard of rollouts and a step's rewards hold. */
const [rolloutNumberCount, rewardNumberCount] = [2_350, 900];
const weightsByteLength = 64 << 10;
const experimentsAtOnceCount = 40;

export type StorePlace = { readonly folder: string } | { readonly s3: S3Settings };

/** Folder store that skips existence checks and fsync: the folder is empty at the start. */
class NewFolder extends FolderObjectStore {
  readonly #folder: string;

  constructor(folder: string) {
    super(folder);
    this.#folder = folder;
  }

  override async putIfAbsent(key: string, bytes: Uint8Array): Promise<'written'> {
    const path = join(this.#folder, key);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    return 'written';
  }

  override getTagged(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}

class NewBucket extends S3ObjectStore {
  override getTagged(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}

export function objectsAt(place: StorePlace): ObjectStore {
  return 'folder' in place ? new FolderObjectStore(place.folder) : new S3ObjectStore(place.s3);
}

/** Writes about 100,000 objects. */
export async function fillStore(place: StorePlace): Promise<void> {
  const objects = 'folder' in place ? new NewFolder(place.folder) : new NewBucket(place.s3);
  const store = new ArtifactStore(objects);
  const dataset = await ingest(store);
  const experiments = Array.from({ length: experimentCount }, (_, seed) => seed);
  await pMap(
    experiments,
    async (seed) => {
      const run = await train(store, dataset, seed);
      if (seed % 2 === 0)
        await objects.put(experimentKey(`bench-${String(seed)}`), jsonBytes({ dataset, runs: [run] }));
    },
    { concurrency: experimentsAtOnceCount },
  );
}

async function work<O extends string>(
  store: ArtifactStore,
  activity: string,
  inputs: ManifestInputs,
  config: Json,
  make: () => Promise<Readonly<Record<O, ArtifactRef>>>,
): Promise<Readonly<Record<O, ArtifactRef>>> {
  const of = { activity, codeVersion: 'bench', inputs, config, environment: { node: process.version } };
  const compute = async () => ({ outputs: await make(), summary: {}, computeMs: 1 });
  return (await memoize(store, of, compute)).manifest.outputs;
}

async function ingest(store: ArtifactStore): Promise<ArtifactRef> {
  const { dataset } = await work(store, 'ingest', {}, {}, async () => {
    const examples = await store.putJson({ examples: numbers(20_000, 0) });
    const pack = { bytes: await store.putBytes(bytesOf(1 << 20, 0)), index: await store.putJson({ offsets: [0] }) };
    return { dataset: await store.putJson({ schema: 1, examples, imagePacks: [pack] }) };
  });
  return dataset;
}

/** Writes a run's artifacts and returns what the experiment's document records of the run. */
async function train(store: ArtifactStore, dataset: ArtifactRef, seed: number) {
  let { snapshot, checkpoint } = await takeSnapshot(store, seed, 0, undefined, []);
  let log: ArtifactRef[] = [];
  for (let step = 0; step < stepCount; step++) {
    log.push(await trainStep(store, { snapshot, log, dataset }, seed, step));
    if (log.length < snapshotEveryStepCount) continue;
    ({ snapshot, checkpoint } = await takeSnapshot(store, seed, step + 1, snapshot, log));
    log = [];
  }
  return { policy: { snapshot, log }, checkpoint };
}

/** Writes a step's artifacts and returns its record. */
async function trainStep(
  store: ArtifactStore,
  before: { readonly snapshot: ArtifactRef; readonly log: readonly ArtifactRef[]; readonly dataset: ArtifactRef },
  seed: number,
  step: number,
): Promise<ArtifactRef> {
  // Manifests of real steps hold the tasks' prompts: about a kilobyte.
  const config = { seed, step, prompting: 'is the picture good for its caption ? '.repeat(25) };
  const { rollouts } = await work(store, 'rollout', { ...before, log: [...before.log] }, config, async () => ({
    rollouts: await store.putJson({ step, seed, logProbs: numbers(rolloutNumberCount, seed * stepCount + step) }),
  }));
  const { rewards } = await work(
    store,
    'reward',
    { dataset: before.dataset, rollouts: [rollouts] },
    config,
    async () => ({
      rewards: await store.putJson({ step, seed, rewards: numbers(rewardNumberCount, seed * stepCount + step) }),
    }),
  );
  const inputs = { ...before, log: [...before.log], rollouts: [rollouts], rewards };
  const { record } = await work(store, 'optimize', inputs, config, async () => {
    const update = { dataset: before.dataset, ...config, rollouts: [rollouts], rewards };
    return { record: await store.putJson({ schema: 1, update, steps: numbers(10, step) }) };
  });
  return record;
}

async function takeSnapshot(
  store: ArtifactStore,
  seed: number,
  step: number,
  previous: ArtifactRef | undefined,
  log: readonly ArtifactRef[],
) {
  const inputs = previous === undefined ? {} : { snapshot: previous, log };
  return work(store, 'snapshot', inputs, { seed, step }, async () => {
    const [checkpoint, optimizer] = await Promise.all([
      putFiles(store, 'model.safetensors', seed * stepCount + step),
      putFiles(store, 'optimizer.safetensors', -1 - seed * stepCount - step),
    ]);
    const records = [...log];
    const snapshot = await store.putJson({
      ...{ schema: 1, step, checkpoint, optimizer, records, previous: previous ?? null },
    });
    return { snapshot, checkpoint };
  });
}

async function putFiles(store: ArtifactStore, name: string, salt: number): Promise<ArtifactRef> {
  const { sha256, byteLength } = await store.putBytes(bytesOf(weightsByteLength, salt));
  return store.putJson({ schema: 1, files: { [name]: { sha256, byteLength } } });
}

function numbers(count: number, salt: number): number[] {
  return Array.from({ length: count }, (_, i) => -Math.abs(Math.sin(salt * 7919 + i)));
}

function bytesOf(byteLength: number, salt: number): Uint8Array {
  const bytes = new Uint8Array(byteLength);
  new DataView(bytes.buffer).setInt32(0, salt);
  return bytes;
}
