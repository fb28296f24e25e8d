/** Ingestion as an activity: S3 sources, bounded packs, the quarantine table and its address. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { datasetFormat, openDataset } from '../../pipeline/data/dataset-artifact.ts';
import { ImagePacker, packByteLengthMax } from '../../pipeline/data/image-packer.ts';
import type { IngestResult } from '../../contract/activities.ts';
import { createIngest } from '../../pipeline/data/ingest.ts';
import { imageBytes } from '../../pipeline/data/image-table.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { firstRows } from '../../pipeline/data/json-lines.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { required } from '../../core/assert.ts';
import { sha256 } from '../../core/json.ts';
import type { Example } from '../../judge/example.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { recipeOf } from '../judge/recipes.ts';
import { csvOf, datasetOf, rows, sourceFixtures, task, writePictures } from '../support/source-fixtures.ts';
import { callerWith } from '../support/caller.ts';

let root: string;
let store: ArtifactStore;
let cache: JsonCache;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'mtrl-ingest-'));
  store = new ArtifactStore(new FolderObjectStore(path.join(root, 'store')));
  cache = new JsonCache(store);
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Folders stand in for buckets. */
const openBucket = (bucket: string): FolderObjectStore => new FolderObjectStore(path.join(root, bucket));

async function examplesOf(ref: ArtifactRef): Promise<Example[]> {
  const examples: Example[] = [];
  for await (const batch of (await openDataset(cache, ref)).eachBatch()) examples.push(...batch.examples);
  return examples;
}

async function ingest(datasets: RecipeInput['datasets'], quarantineRateMax = 0) {
  const recipe = await cache.put(recipeOf({ tasks: { holds: task }, datasets, quarantineRateMax }));
  const deps = { store, codeVersion: () => 'code', log: pino({ level: 'silent' }), openBucket };
  return createIngest(deps, cache)({ recipe }, callerWith());
}

it('gives the same examples and images from S3 as from local files, in every format', async () => {
  const bucket = path.join(root, 'bucket');
  mkdirSync(bucket);
  await writePictures(bucket);
  const fixtures = await sourceFixtures();
  for (const { name, bytes } of fixtures) writeFileSync(path.join(bucket, name), bytes);
  for (const fixture of fixtures) {
    const [local, remote] = await Promise.all([
      ingest([datasetOf(fixture, bucket)]),
      ingest([datasetOf(fixture, 's3://bucket')]),
    ]);
    const examples = await examplesOf(remote.dataset);
    expect(examples).toHaveLength(rows.length);
    expect(examples).toEqual(await examplesOf(local.dataset));
    const digest = required(examples[1]?.images[0], 'an image');
    expect(sha256(await imageBytes(cache, await cache.getDocument(remote.dataset, datasetFormat), digest))).toBe(
      digest,
    );
  }
  const elsewhere = datasetOf(required(fixtures[0], 'jsonl'), 's3://other');
  await expect(ingest([elsewhere])).rejects.toMatchObject({ code: 'FILE_MISSING' });
});

it('names the quarantine table if too many rows are bad; the table has all of them', async () => {
  await writePictures(root);
  const file = path.join(root, 'rows.csv');
  const bad = Array.from({ length: 30 }, (_, i) => [`x${i}`, 'maybe', 'c', 'a.png']);
  writeFileSync(file, csvOf([['id', 'label', 'caption', 'image'], Object.values(rows[0]), ...bad]));
  const dataset = {
    reader: 'csv',
    task: 'holds',
    split: 'test',
    path: file,
    imageFolder: path.join(root, 'images'),
    fields: { prompt: ['caption'] },
  } as const;
  const error = (await ingest([{ ...dataset, fields: { prompt: ['caption'] } }], 0.5).catch((e: unknown) => e)) as {
    code: string;
    details: { hint: string };
  };
  expect(error.code).toBe('DATASET_QUARANTINE_CEILING');
  const [, uri = ''] = /`mtrl fetch (\S+)` prints every unusable row/.exec(error.details.hint) ?? [];
  const ref = store.refOf({ sha256: required(uri.split('/').at(-1), 'a digest'), byteLength: 0 });
  const table = Buffer.from((await store.objects.get(store.objects.keyOf(uri))) ?? []).toString();
  expect(table.trim().split('\n')).toHaveLength(30);
  const whole = { ...ref, byteLength: Buffer.byteLength(table) };
  expect(await firstRows(store, whole, 2)).toMatchObject([
    { source: file, row: 3, code: 'LABEL_UNKNOWN', excerpt: 'x0,maybe,c,a.png' },
    { source: file, row: 4 },
  ]);
  const allowed = await ingest([{ ...dataset, fields: { prompt: ['caption'] } }], 1);
  expect(allowed).toMatchObject({ exampleCount: 1, quarantinedCount: 30, quarantine: { sha256: ref.sha256 } });
});

it('ingests only the dataset of a repaired file again, and writes only packs with new images', async () => {
  await writePictures(root);
  const dataset = (split: 'train' | 'val' | 'test') => {
    const file = path.join(root, `${split}.csv`);
    writeFileSync(file, csvOf([['id', 'label', 'caption', 'image'], ...rows.map((row) => Object.values(row))]));
    return {
      ...({ reader: 'csv', task: 'holds', split, path: file } as const),
      imageFolder: path.join(root, 'images'),
      fields: { prompt: ['caption'] },
    } satisfies RecipeInput['datasets'][number];
  };
  const datasets = [dataset('train'), dataset('val'), dataset('test')];
  const broken = path.join(root, 'val.csv');
  const whole = readFileSync(broken);
  appendFileSync(broken, `\r\n${csvOf([['x', 'maybe', 'c', 'a.png']])}`);
  const before = await ingest(datasets, 1);
  expect(before).toMatchObject({ cached: false, quarantinedCount: 1, datasets: { hits: 0, misses: 3 } });
  const blobCount = async (): Promise<number> => {
    let count = 0;
    for await (const { key } of store.objects.list('blobs/')) if (key !== '') count++;
    return count;
  };
  const countBefore = await blobCount();

  writeFileSync(broken, whole);
  const after = await ingest(datasets, 1);
  expect(after).toMatchObject({ cached: false, quarantinedCount: 0, datasets: { hits: 2, misses: 1 } });
  const packsOf = async ({ dataset: ref }: IngestResult) => (await cache.getDocument(ref, datasetFormat)).images.packs;
  expect(await packsOf(after)).toEqual(await packsOf(before));
  // The rows of the one dataset, and the dataset itself.
  expect((await blobCount()) - countBefore).toBeLessThanOrEqual(3);
  expect(await examplesOf(after.dataset)).toEqual(await examplesOf(before.dataset));
  expect(await ingest(datasets, 1)).toMatchObject({ cached: true, datasets: { hits: 3, misses: 0 } });
});

it('bounds packs, which hold every image', async () => {
  const images = Array.from({ length: 80 }, (_, i) => new Uint8Array(1 << 20).fill(i));
  const packer = new ImagePacker(cache);
  for (const bytes of images) await packer.add(sha256(bytes), bytes);
  const packs = await packer.finish();
  expect(packs.length).toBeGreaterThan(2);
  expect(Math.max(...packs.map(({ bytes }) => bytes.byteLength))).toBeLessThanOrEqual(packByteLengthMax);
  expect(packs.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)).toBe(80 << 20);
});
