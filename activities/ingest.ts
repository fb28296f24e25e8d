/** Source files to typed examples, quarantine table and image packs. Images and rejected rows pass through; only the examples' texts are held. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import { required } from '../core/assert.ts';
import { type ErrorCode, MtrlError } from '../core/errors.ts';
import { type Ingestion, type IngestProgress, joinDatasets } from '../judge/datasets/ingest.ts';
import type { SourceFiles } from '../judge/datasets/source-files.ts';
import type { Recipe } from '../recipes/recipe.ts';
import type { IngestInput, IngestResult } from './contract.ts';
import type { DatasetArtifact, StoredImagePack } from './dataset-artifact.ts';
import type { ControlDeps } from './deps.ts';
import { durable } from './durable.ts';
import type { JsonCache } from './json-cache.ts';
import { JsonLines } from './json-lines.ts';
import { KeptDatasets } from './kept-datasets.ts';
import { recipeOf } from './recipe-access.ts';
import { sourceFiles } from './source-buckets.ts';
import { sourceDigests } from './source-digests.ts';

/** Called whenever the work advances; with the counts so far once rows come. */
export type IngestBeat = (progress?: IngestProgress) => void;

export function createIngest(deps: ControlDeps, cache: JsonCache, beat: IngestBeat) {
  return async ({ recipe: recipeRef }: IngestInput): Promise<IngestResult> => {
    const recipe = await recipeOf(cache, recipeRef);
    const files = sourceFiles(deps.openBucket);
    const config = await sourcesOf(recipe, files, beat);
    const kept = new KeptDatasets(deps, cache, recipe, { files, digests: config.files }, beat);
    const key = { inputs: {}, config };
    const { outputs, summary, ...made } = await durable(deps, 'ingest', key, () => ingest(cache, recipe, kept, beat));
    const { dataset, quarantine } = outputs;
    const datasets = made.cached ? { hits: recipe.datasets.length, misses: 0 } : kept.found;
    return {
      ...{ ...made, dataset: required(dataset, 'the dataset'), datasets },
      ...(quarantine && { quarantine }),
      ...summary,
    };
  };
}

async function ingest(cache: JsonCache, recipe: Recipe, kept: KeptDatasets, beat: IngestBeat) {
  const table = new JsonLines();
  try {
    const ingestion = await joinDatasets(recipe, kept.rowsOf, (row) => table.add(row), beat).catch((error: unknown) =>
      withTable(error, table, cache),
    );
    const made = await stored(cache, ingestion, [...kept.packs.values()], await table.store(cache.store));
    return { ...made, summary: { ...made.summary, readings: kept.readings } };
  } finally {
    await table.close();
  }
}

/** Too few rows can be used: the error says where all others are written down. */
async function withTable(error: unknown, table: JsonLines, cache: JsonCache): Promise<never> {
  if (!(error instanceof MtrlError) || !tooFewRows.has(error.code)) throw error;
  const ref = await table.store(cache.store);
  if (ref === null) throw error;
  const { details } = error;
  const hint = [details.hint, `\`mtrl fetch ${ref.uri}\` prints every row that cannot be used`];
  throw new MtrlError(error.code, error.message, {
    ...details,
    hint: hint.filter((part) => part !== undefined).join('; '),
  });
}

const tooFewRows: ReadonlySet<ErrorCode> = new Set(['DATASET_QUARANTINE_CEILING', 'DATASET_EMPTY']);

async function stored(
  cache: JsonCache,
  ingestion: Ingestion,
  imagePacks: readonly StoredImagePack[],
  quarantine: ArtifactRef | null,
) {
  const { examples, leaks, quarantinedCount } = ingestion;
  const [examplesRef, leaksRef] = await Promise.all([cache.put(examples), leaks.length > 0 ? cache.put(leaks) : null]);
  const imageCount = new Set(examples.flatMap(({ images }) => images)).size;
  const summary = { exampleCount: examples.length, imageCount, quarantinedCount };
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

/** All that decides the dataset: the declarations, what is asked of it, and the bytes of the files that it is read from. */
async function sourcesOf(recipe: Recipe, sources: SourceFiles, beat: IngestBeat) {
  const arms = Object.values(recipe.arms).map(({ objective, mode, tasks }) => ({
    objective,
    mode,
    tasks: tasks ?? null,
  }));
  const { datasets, tasks, modeWords, quarantineRateMax, leaks } = recipe;
  const files = await sourceDigests(datasets, sources, beat);
  return { datasets, tasks, modeWords, quarantineRateMax, leaks, arms, split: recipe.evaluation.split, files };
}
