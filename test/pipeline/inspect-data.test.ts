/** New data is detected by content, not by the names or times of files. */
import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createInspectData } from '../../pipeline/data/inspect-data.ts';
import { putExperimentIndex } from '../../pipeline/reporting/experiment-index.ts';
import { createIngest } from '../../pipeline/data/ingest.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import type { PromotedVersion } from '../../contract/retraining.ts';
import { type KnownDigests, sourceDigests } from '../../pipeline/data/source-digests.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import type { SourceFile, SourceFiles } from '../../judge/datasets/sources/source-files.ts';
import { parseRecipe } from '../../recipes/load.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { callerWith } from '../support/caller.ts';

let root: string;
let cache: JsonCache;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'mtrl-inspect-'));
  cache = new JsonCache(new ArtifactStore(new FolderObjectStore(path.join(root, 'store'))));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Folders stand in for buckets. */
const openBucket = (bucket: string): FolderObjectStore => new FolderObjectStore(path.join(root, bucket));
const deps = () => ({ store: cache.store, codeVersion: () => 'code', log: pino({ level: 'silent' }), openBucket });
const beat = (): void => undefined;

const rowsOf = (count: number) =>
  Array.from({ length: count }, (_, id) => JSON.stringify({ id, label: 'yes', text: String(id) })).join('\n');

/** The tiny recipe's worlds, and rows of text from that place. */
function recipeWith(place: string) {
  const tiny = tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 });
  const fields = { images: [], prompt: ['text'] };
  const rows = { reader: 'jsonl' as const, task: 'notes', split: 'test' as const, path: place, fields };
  const tasks = {
    ...tiny.tasks,
    notes: { kind: 'pointwise' as const, labels: ['yes', 'no'], prompt: '{{ text }} {{ mode_word }}', ood: true },
  };
  return { ...tiny, tasks, datasets: [...tiny.datasets, rows], evaluation: { tasks: ['technical'] } };
}

const inspect = (recipe: unknown, promoted?: PromotedVersion) =>
  createInspectData(deps(), cache)({ recipe, ...(promoted && { promoted }) }, callerWith());

/** A version promoted from the current data. */
async function promotedFrom(recipe: unknown): Promise<PromotedVersion> {
  const ref = await cache.put(parseRecipe(recipe));
  const ingestion = await createIngest(deps(), cache)({ recipe: ref }, callerWith());
  const index = {
    schema: 1,
    experimentId: 'x',
    recipe: ref,
    ingestion,
    runs: [],
    report: ref,
    cache: { hits: 0, misses: 0 },
    wallMs: 0,
  } as const;
  await putExperimentIndex(cache.store, index);
  const { dataDigest } = await inspect(recipe);
  return {
    ...{
      name: 'nightly',
      version: 1,
      policy: { snapshot: ref, log: [] },
      checkpoint: ref,
      mode: 'direct',
      recipe: ref,
    },
    ...{ dataset: ingestion.dataset, dataDigest, experimentId: 'x', runName: 'x/s0', evaluations: [], promotedAt: '' },
  };
}

const statesOf = ({ sources }: Awaited<ReturnType<typeof inspect>>) =>
  Object.fromEntries(sources.map(({ path: place, state }) => [place, state]));

it.each(['local', 's3'])(
  'detects added rows, and reports no change if the same bytes are written again (%s)',
  async (kind) => {
    const bucket = path.join(root, 'bucket');
    const file = path.join(kind === 's3' ? bucket : root, 'rows.jsonl');
    if (kind === 's3') await openBucket('bucket').put('rows.jsonl', new TextEncoder().encode(rowsOf(4)));
    else await writeFile(file, rowsOf(4));
    const place = kind === 's3' ? 's3://bucket/rows.jsonl' : file;
    const recipe = recipeWith(place);
    expect(await inspect(recipe)).toMatchObject({ changed: true });
    const promoted = await promotedFrom(recipe);

    await writeFile(file, rowsOf(4));
    await utimes(file, 1, 1);
    const same = await inspect(recipe, promoted);
    expect(same).toMatchObject({ changed: false, dataDigest: promoted.dataDigest });
    expect(new Set(Object.values(statesOf(same)))).toEqual(new Set(['same']));

    await writeFile(file, rowsOf(5));
    const more = await inspect(recipe, promoted);
    expect(more.changed).toBe(true);
    expect(statesOf(more)).toEqual({
      'judge-world technical, safety train (seed 1)': 'same',
      'judge-world technical, safety, pair-safety test (seed 2)': 'same',
      [place]: 'changed',
    });
  },
);

it('names the new and the gone sources if the recipe reads others', async () => {
  const [before, after] = ['before.jsonl', 'after.jsonl'].map((name) => path.join(root, name)) as [string, string];
  await writeFile(before, rowsOf(4));
  const promoted = await promotedFrom(recipeWith(before));
  await rename(before, after);
  const { datasets, ...rest } = recipeWith(after);
  const [first, ...others] = datasets;
  const found = await inspect({ ...rest, datasets: [{ ...first, seed: 9 }, ...others] }, promoted);
  expect(found.changed).toBe(true);
  expect(statesOf(found)).toMatchObject({
    [before]: 'gone',
    [after]: 'new',
    'judge-world technical, safety train (seed 9)': 'new',
    'judge-world technical, safety train (seed 1)': 'gone',
  });
});

it('fails with the place if a source is missing', async () => {
  await expect(inspect(recipeWith(path.join(root, 'nothing.jsonl')))).rejects.toMatchObject({ code: 'FILE_MISSING' });
});

it('reads a file again only if its version changed, and always if it has none', async () => {
  let readCount = 0;
  const files = (version?: string): SourceFiles => {
    const file = (name: string): SourceFile => ({
      ...{ name, byteLength: 1, ...(version !== undefined && { version }) },
      async *open() {
        readCount++;
        yield await Promise.resolve(new TextEncoder().encode(version ?? '?'));
      },
    });
    return {
      kindOf: () => Promise.resolve('file'),
      find: (name) => Promise.resolve(file(name)),
      async *list(folder) {
        yield await Promise.resolve(file(folder));
      },
    };
  };
  const { datasets } = parseRecipe(recipeWith('/rows.jsonl'));
  const known: KnownDigests = new Map();
  const digestsOf = (version?: string) => sourceDigests(datasets, files(version), beat, known);
  const first = await digestsOf('1');
  expect(await digestsOf('1')).toEqual(first);
  expect(readCount).toBe(1);
  expect(await digestsOf('2')).not.toEqual(first);
  await digestsOf();
  await digestsOf();
  expect(readCount).toBe(4);
});
