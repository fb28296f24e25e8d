/** The tables around a dataset's examples: the pools, the places of images, the rows of each step. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type DatasetArtifact, datasetFormat, openDataset } from '../../pipeline/data/dataset-artifact.ts';
import { DatasetWriter } from '../../pipeline/data/dataset-writer.ts';
import { ImagePacker } from '../../pipeline/data/image-packer.ts';
import { imageBytes, storeImageTable } from '../../pipeline/data/image-table.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { type MixturePlan, plannedStep, storePlanShards } from '../../pipeline/data/mixture-plan.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { required } from '../../core/assert.ts';
import { sha256 } from '../../core/json.ts';
import { poolsOf } from '../../judge/datasets/joining/pools.ts';
import { SplitColumn } from '../../judge/datasets/rows/split-column.ts';
import type { Example, Split } from '../../judge/example.ts';
import { factsOf } from '../judge/facts-of.ts';
import { CountingStore } from '../support/counting-store.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-tables-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Opens the store with empty caches. */
function opened() {
  const objects = new CountingStore(root);
  return { objects, cache: new JsonCache(new ArtifactStore(objects)) };
}

const example = (i: number, task: string, split: Split): Example => ({
  ...{ id: String(i), task, split, images: [], fields: {}, label: i % 2 === 0 ? 'yes' : 'no', groupKey: String(i) },
});

it('rows that were dropped or that are inadmissible are never drawn', async () => {
  const examples = Array.from({ length: 12 }, (_, i) => example(i, i % 3 === 0 ? 'a' : 'b', i < 8 ? 'train' : 'test'));
  const { cache } = opened();
  const facts = factsOf(examples);
  const splits = new SplitColumn(facts);
  splits.drop(1);
  const writer = new DatasetWriter(cache);
  for (const one of examples) await writer.add(one);
  const counts = { exampleCount: 11, imageCount: 0, quarantinedCount: 1 };
  const ref = await writer.store({
    pools: poolsOf(facts, splits),
    packs: [],
    quarantine: null,
    leaks: null,
    ...counts,
  });
  const whole = await openDataset(cache, ref);
  expect([...(await whole.rowsOf('b', 'train'))]).toEqual([2, 4, 5, 7]);
  expect([...(await whole.rowsOf('a', 'test'))]).toEqual([9]);
  expect([...(await whole.rowsOf('a', 'val'))]).toEqual([]);
  expect(await whole.examplesAt([9, 2])).toEqual([examples[9], examples[2]]);

  const artifact = await cache.getDocument(ref, datasetFormat);
  expect(artifact.pools).toMatchObject([
    { task: 'a', split: 'train', exampleCount: 3, exampleCountByLabel: { yes: 2, no: 1 } },
    { task: 'b', split: 'train', exampleCount: 4 },
    { task: 'b', split: 'test', exampleCount: 3 },
    { task: 'a', split: 'test', exampleCount: 1 },
  ]);
  const admitted: DatasetArtifact = { ...artifact, inadmissible: await cache.put([4, 9]) };
  const some = await openDataset(cache, await cache.put(admitted));
  expect([...(await some.rowsOf('b', 'train'))]).toEqual([2, 5, 7]);
  expect([...(await some.rowsOf('a', 'test'))]).toEqual([]);
  const batches: number[][] = [];
  for await (const { rows } of some.eachBatch(4)) batches.push([...rows]);
  expect(batches).toEqual([[0, 2, 3, 5], [6, 7, 8, 10], [11]]);
});

it('finds an image without scanning the packs, for any number of packs', async () => {
  const images = Array.from({ length: 24 }, (_, i) => Buffer.alloc(1_000 + i, i));
  const first = opened();
  const packs = await Promise.all(
    images.map(async (bytes) => {
      const packer = new ImagePacker(first.cache);
      await packer.add(sha256(bytes), bytes);
      return required((await packer.finish())[0], 'a pack');
    }),
  );
  const table = await storeImageTable(first.cache, [...packs, ...packs]);
  expect(table.shards).toHaveLength(1);
  for (const [i, bytes] of images.entries()) {
    const { objects, cache } = opened();
    expect(Buffer.from(await imageBytes(cache, { images: table }, sha256(bytes)))).toEqual(images[i]);
    expect(objects.reads.size).toBe(2);
  }
  await expect(imageBytes(opened().cache, { images: table }, sha256('another'))).rejects.toMatchObject({
    code: 'ARTIFACT_MISSING',
  });
});

it('a step of a long plan reads the plan and one shard of rows, independent of the number of steps', async () => {
  const { cache } = opened();
  const counts = { exampleCountPerStep: 64, reserveCountPerStep: 16 };
  const rowsOf = (step: number, count: number, from: number) =>
    Uint32Array.from({ length: count }, (_, i) => step * 80 + from + i);
  const steps = Array.from({ length: 12_000 }, (_, step) => ({
    rows: rowsOf(step, 64, 0),
    reserve: rowsOf(step, 16, 64),
  }));
  const shards = await storePlanShards(cache, steps, 100);
  const plan: MixturePlan = {
    schema: 2,
    fromStep: 100,
    stepCount: 12_000,
    ...counts,
    shards,
    exampleCountByTask: {},
    places: {},
  };
  const ref = await cache.put(plan);
  for (const step of [0, 409, 410, 5_000, 11_999]) {
    const { objects, cache: fresh } = opened();
    expect(await plannedStep(fresh, ref, 100 + step)).toEqual(steps[step]);
    expect(objects.reads.size).toBe(2);
    expect(objects.byteLength).toBeLessThan(160 << 10);
  }
  await expect(plannedStep(cache, ref, 99)).rejects.toThrow(/step 99 is not one of the 12000 from 100 on/);
});
