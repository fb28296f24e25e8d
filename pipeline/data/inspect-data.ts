/** Detects new data: compares the current sources of a recipe's datasets with those of the promoted version. */
import { asJson } from '../../artifacts/codecs/json-value.ts';
import { digestOf } from '../../core/json.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { DatasetSpec, JudgeWorldSpec } from '../../recipes/recipe.ts';
import { tasksOfDataset } from '../../recipes/task-sets.ts';
import { dataDigestOf } from './data-digest.ts';
import type { ControlDeps } from '../deps.ts';
import { findExperimentIndex } from '../reporting/experiment-index.ts';
import { ingestedFrom } from './ingested-from.ts';
import type { JsonCache } from '../json-cache.ts';
import type { InspectDataInput, InspectDataResult, PromotedVersion } from '../../contract/retraining.ts';
import { sourceFiles } from './source-buckets.ts';
import { type KnownDigests, sourceDigests } from './source-digests.ts';
import type { Caller } from '../heartbeat.ts';

type Sources = Readonly<Record<string, string>>;

/**
 * Has no cache key, because it must look at the files each time. A file whose version has not changed since this worker
 * last read it is not read again. Throws RECIPE_INVALID, FILE_MISSING.
 */
export function createInspectData(deps: ControlDeps, cache: JsonCache) {
  const known: KnownDigests = new Map();
  return async ({ recipe, promoted }: InspectDataInput, caller: Caller): Promise<InspectDataResult> => {
    const beat = (): void => {
      caller.heartbeat();
    };
    const { datasets } = parseRecipe(recipe);
    const files = await sourceDigests(datasets, sourceFiles(deps), beat, known);
    const dataDigest = dataDigestOf(datasets, files);
    const changed = dataDigest !== promoted?.dataDigest;
    const before = promoted && changed ? await sourcesOf(cache, promoted) : {};
    const now = { ...files, ...worldsOf(datasets) };
    return { dataDigest, changed, sources: changed ? compared(before, now) : compared(now, now) };
  };
}

/** Sources of the promoted version. Empty if its experiment was deleted: all sources then count as new. */
async function sourcesOf(cache: JsonCache, { experimentId }: PromotedVersion): Promise<Sources> {
  const index = await findExperimentIndex(cache.store, experimentId);
  if (index === undefined) return {};
  const { datasets, files } = await ingestedFrom(cache, index.ingestion.manifest);
  return { ...files, ...worldsOf(datasets) };
}

/** Judge worlds by description: they have no files, and their declaration determines every row. */
function worldsOf(datasets: readonly DatasetSpec[]): Sources {
  const worlds = datasets.filter((spec): spec is JudgeWorldSpec => spec.reader === 'judge-world');
  return Object.fromEntries(
    worlds.map((spec) => {
      const { reader, split, seed } = spec;
      return [`${reader} ${tasksOfDataset(spec).join(', ')} ${split} (seed ${String(seed)})`, digestOf(asJson(spec))];
    }),
  );
}

function compared(before: Sources, now: Sources): InspectDataResult['sources'] {
  const gone = Object.entries(before).filter(([path]) => now[path] === undefined);
  return [
    ...Object.entries(now).map(([path, sha256]) => ({ path, sha256, state: stateOf(before[path], sha256) })),
    ...gone.map(([path, sha256]) => ({ path, sha256, state: 'gone' as const })),
  ];
}

function stateOf(before: string | undefined, now: string): 'new' | 'changed' | 'same' {
  if (before === undefined) return 'new';
  return before === now ? 'same' : 'changed';
}
