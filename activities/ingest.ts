/** Source files to typed examples, quarantine and image packs. */
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { digestFile } from '../artifacts/stream-digest.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { required } from '../core/assert.ts';
import { digestOf } from '../core/json.ts';
import { packImages } from '../judge/datasets/image-pack.ts';
import { ingestDatasets } from '../judge/datasets/ingest.ts';
import type { Recipe } from '../recipes/recipe.ts';
import type { IngestInput, IngestResult } from './contract.ts';
import type { DatasetArtifact, StoredImagePack } from './dataset-artifact.ts';
import type { ControlDeps } from './deps.ts';
import { durable } from './durable.ts';
import type { JsonCache } from './json-cache.ts';
import { recipeOf } from './recipe-access.ts';

const packByteLengthMax = 32 << 20;

/** `beat` is called whenever the work advances. */
export function createIngest(deps: ControlDeps, cache: JsonCache, beat: () => void) {
  return async ({ recipe: recipeRef }: IngestInput): Promise<IngestResult> => {
    const recipe = await recipeOf(cache, recipeRef);
    const key = { inputs: {}, config: await sourcesOf(recipe, beat) };
    const { outputs, summary, ...made } = await durable(deps, 'ingest', key, () => ingest(cache, recipe, beat));
    const { dataset, quarantine } = outputs;
    return { ...made, dataset: required(dataset, 'the dataset'), ...(quarantine && { quarantine }), ...summary };
  };
}

async function ingest(cache: JsonCache, recipe: Recipe, beat: () => void) {
  const images = new Map<string, Uint8Array>();
  const sink = {
    image: (digest: string, bytes: Uint8Array): void => {
      images.set(digest, bytes);
    },
  };
  const { examples, quarantined, leaks } = await ingestDatasets(recipe, sink, beat);
  const [examplesRef, imagePacks, quarantine, leaksRef] = await Promise.all([
    cache.put(examples),
    putImages(cache, images, beat),
    quarantined.length > 0 ? cache.put(quarantined) : null,
    leaks.length > 0 ? cache.put(leaks) : null,
  ]);
  const summary = { exampleCount: examples.length, imageCount: images.size, quarantinedCount: quarantined.length };
  const dataset: DatasetArtifact = {
    schema: 1,
    examples: examplesRef,
    imagePacks,
    quarantine,
    leaks: leaksRef,
    ...summary,
  };
  const outputs: Readonly<Record<string, ArtifactRef>> = {
    dataset: await cache.put(dataset),
    ...(quarantine && { quarantine }),
  };
  return { outputs, summary };
}

/** Cut in order of digest, so that the packs are a function of the set of images alone. */
async function putImages(
  cache: JsonCache,
  images: ReadonlyMap<string, Uint8Array>,
  beat: () => void,
): Promise<StoredImagePack[]> {
  const stored: StoredImagePack[] = [];
  for (const part of partsOf(images)) {
    const { bytes, index } = packImages(part);
    const [bytesRef, indexRef] = await Promise.all([cache.store.putBytes(bytes), cache.put(index)]);
    stored.push({ bytes: bytesRef, index: indexRef });
    beat();
  }
  return stored;
}

function* partsOf(images: ReadonlyMap<string, Uint8Array>): Generator<Map<string, Uint8Array>> {
  let part = new Map<string, Uint8Array>();
  let byteLength = 0;
  for (const [digest, bytes] of [...images].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (byteLength > 0 && byteLength + bytes.byteLength > packByteLengthMax) {
      yield part;
      part = new Map();
      byteLength = 0;
    }
    part.set(digest, bytes);
    byteLength += bytes.byteLength;
  }
  if (part.size > 0) yield part;
}

/** All that decides the dataset: the declarations, what is asked of it, and the bytes of the files that it is read from. */
async function sourcesOf(recipe: Recipe, beat: () => void) {
  const files: Record<string, string> = {};
  for (const spec of recipe.datasets) {
    if (spec.reader !== 'jsonl') continue;
    files[spec.path] = (await digestFile(spec.path)).sha256;
    files[spec.imageFolder] ??= await digestFolder(spec.imageFolder, beat);
  }
  const arms = Object.values(recipe.arms).map(({ objective, mode, tasks }) => ({
    objective,
    mode,
    tasks: tasks ?? null,
  }));
  const { datasets, tasks, modeWords, quarantineRateMax } = recipe;
  return { datasets, tasks, modeWords, quarantineRateMax, arms, split: recipe.evaluation.split, files };
}

async function digestFolder(folder: string, beat: () => void): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const digests: Record<string, string> = {};
  for (const path of paths.sort()) {
    digests[relative(folder, path)] = (await digestFile(path)).sha256;
    beat();
  }
  return digestOf(digests);
}
