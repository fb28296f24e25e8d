/**
 * Ingests source files as typed examples, a quarantine table and image packs. Everything is streamed: only a few
 * numbers per row are held in memory.
 */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { required } from '../../core/assert.ts';
import { type ErrorCode, MtrlError } from '../../core/errors.ts';
import { type IngestProgress, joinDatasets, type RowSink } from '../../judge/datasets/joining/join.ts';
import type { RowPlace } from '../../judge/datasets/reading.ts';
import type { SourceFiles } from '../../judge/datasets/sources/source-files.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { IngestInput, IngestResult } from '../../contract/activities.ts';
import { DatasetWriter } from './dataset-writer.ts';
import type { ControlDeps } from '../deps.ts';
import { durable } from '../durable.ts';
import type { JsonCache } from '../json-cache.ts';
import { JsonLines } from './json-lines.ts';
import { KeptDatasets } from './kept-datasets.ts';
import { recipeOf } from '../recipe-access.ts';
import { sourceFiles } from './source-buckets.ts';
import { sourceDigests } from './source-digests.ts';
import type { Caller } from '../heartbeat.ts';

/** Called whenever the work advances, with the counts so far once rows are being read. */
export type IngestBeat = (progress?: IngestProgress) => void;

export function createIngest(deps: ControlDeps, cache: JsonCache) {
  return async ({ recipe: recipeRef }: IngestInput, caller: Caller): Promise<IngestResult> => {
    const beat: IngestBeat = (progress) => {
      caller.heartbeat(progress);
    };
    const recipe = await recipeOf(cache, recipeRef);
    const files = sourceFiles(deps);
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
  const places = new JsonLines();
  const writer = new DatasetWriter(cache);
  const sink: RowSink = {
    quarantined: (row) => table.add(row),
    example: (example) => writer.add(example),
    idsAt: (rows) => writer.idsAt(rows),
    place: (place) => places.add(place),
    places: () => places.rows<RowPlace>(),
  };
  try {
    const joined = await joinDatasets(recipe, kept.rowsOf, sink, beat).catch((error: unknown) =>
      withTable(error, table, cache),
    );
    const { leaks, exampleCount, imageCount, quarantinedCount, leftOutCount, pools, poolOfRow, classes } = joined;
    const quarantine = await table.store(cache.store);
    const counts = { exampleCount, imageCount, quarantinedCount, leftOutCount };
    const dataset = await writer.store({
      ...{ pools: { pools, poolOfRow }, classes, packs: [...kept.packs.values()], quarantine, ...counts },
      leaks: leaks.length > 0 ? await cache.store.putJson(leaks) : null,
    });
    const outputs: Readonly<Record<string, ArtifactRef>> = { dataset, ...(quarantine && { quarantine }) };
    return { outputs, summary: { ...counts, readings: kept.readings } };
  } finally {
    await Promise.all([table.close(), places.close()]);
  }
}

/** Rethrows the error. If too few rows are usable, its hint names the stored table of all unusable rows. */
async function withTable(error: unknown, table: JsonLines, cache: JsonCache): Promise<never> {
  if (!(error instanceof MtrlError) || !tooFewRows.has(error.code)) throw error;
  const ref = await table.store(cache.store);
  if (ref === null) throw error;
  const { details } = error;
  const hint = [details.hint, `\`mtrl fetch ${ref.uri}\` prints every unusable row`];
  throw new MtrlError(error.code, error.message, {
    ...details,
    hint: hint.filter((part) => part !== undefined).join('; '),
  });
}

const tooFewRows: ReadonlySet<ErrorCode> = new Set(['DATASET_QUARANTINE_CEILING', 'DATASET_EMPTY']);

/** Everything that determines the dataset: its declarations, the recipe's settings, and the bytes of its files. */
async function sourcesOf(recipe: Recipe, sources: SourceFiles, beat: IngestBeat) {
  // What the data must have for them: one more arm of the same kind needs nothing else.
  const arms = uniqueValues(
    Object.values(recipe.arms).map(({ objective, mode, tasks }) => ({ objective, mode, tasks: tasks ?? null })),
  );
  const { datasets, tasks, modeWords, quarantineRateMax, leaks } = recipe;
  const files = await sourceDigests(datasets, sources, beat);
  return { datasets, tasks, modeWords, quarantineRateMax, leaks, arms, split: recipe.evaluation.split, files };
}

function uniqueValues<T>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
