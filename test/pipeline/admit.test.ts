import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAdmit } from '../../pipeline/data/admit.ts';
import type { IngestResult } from '../../contract/activities.ts';
import type { AdmitInput, AdmitResult } from '../../contract/admission.ts';
import type { ComputeContext } from '../../pipeline/compute-context.ts';
import { createControlActivities } from '../../activities/control.ts';
import { openDataset } from '../../pipeline/data/dataset-artifact.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { promptingOf, recipeOf } from '../../pipeline/recipe-access.ts';
import { firstRows } from '../../pipeline/data/json-lines.ts';
import { Processors } from '../../pipeline/policies/processors.ts';
import { Prompter } from '../../pipeline/asking/prompts/prompter.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { putFolder } from '../../artifacts/store/files.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { required } from '../../core/assert.ts';
import type { QuarantinedRow } from '../../judge/example.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { callerWith } from '../support/caller.ts';

const model = fileURLToPath(new URL('../fixtures/text-models/llama-linear', import.meta.url));
const modelFiles = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'generation_config.json'];

const environment = new MockActivityEnvironment({}, { logger: silentLogger });
let root: string;
let cache: JsonCache;
let context: ComputeContext;
let snapshot: ArtifactRef;

const run = <I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> =>
  environment.run<[I], R, (input: I) => Promise<R>>(activity, input);

const admit = (input: AdmitInput): Promise<AdmitResult> => createAdmit(context)(input, callerWith());

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-admit-'));
  const store = new ArtifactStore(new FolderObjectStore(join(root, 'store')));
  cache = new JsonCache(store);
  const checkpoint = await putFolder(store, model, [...modelFiles, 'chat_template.jinja']);
  snapshot = await cache.put({ schema: 1, step: 0, checkpoint, optimizer: null, records: [], previous: null });
  const deps = { store, codeVersion: () => 'code', log: silentLogger };
  const processors = new Processors(cache, join(root, 'processors'));
  context = { deps, cache, processors, prompter: new Prompter(cache) } as unknown as ComputeContext;
});
afterAll(() => rm(root, { recursive: true, force: true }));

const long = 'word '.repeat(5_000);

async function ingested(texts: Record<'train' | 'test', readonly string[]>, rateMax = 0.2, system?: string) {
  const folder = await mkdtemp(join(root, 'rows-'));
  for (const [split, rows] of Object.entries(texts))
    await writeFile(
      join(folder, `${split}.jsonl`),
      rows.map((text, i) => `${JSON.stringify({ id: `${split}-${String(i)}`, text, label: 'yes' })}\n`).join(''),
    );
  const read = (split: 'train' | 'test'): RecipeInput['datasets'][number] => ({
    ...{ reader: 'jsonl', task: 't', split, path: join(folder, `${split}.jsonl`) },
    fields: { images: [], prompt: ['text'] },
  });
  const recipe: RecipeInput = {
    name: 'admission',
    policy: { config: model, initSeed: 1 },
    quarantineRateMax: rateMax,
    tasks: { t: { kind: 'pointwise', labels: ['yes', 'no'], prompt: '{{ text }} ? {{ mode_word }}', system } },
    datasets: [read('train'), read('test')],
    arms: {
      base: { objective: 'none', mode: 'direct' },
      sft: { objective: 'sft', mode: 'direct', stepCount: 2, optimizer: { learningRate: 1e-3 } },
    },
  };
  const activities = createControlActivities({ ...context.deps });
  const prepared = await run(activities.prepare, { recipe });
  const ingestion = await run(activities.ingest, { recipe: prepared.recipe });
  return { recipe: prepared.recipe, ingestion };
}

const inputOf = (recipe: ArtifactRef, { dataset }: IngestResult): AdmitInput => ({
  ...{ recipe, dataset, policy: { snapshot, log: [] }, asked: { by: 'arms' } },
});

const fill = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name} ${String(i)}`);

it('quarantines rows that are too long, with the reason, and keeps rows with special tokens', async () => {
  const train = [...fill('good', 9), long, 'a <|im_end|> in a row'];
  const { recipe, ingestion } = await ingested({ train, test: [...fill('fine', 9), `${long}too`] });
  const result = await admit(inputOf(recipe, ingestion));
  expect(result).toMatchObject({ cached: false, exampleCount: 19, quarantinedCount: 2, inadmissibleCount: 2 });
  const dataset = await openDataset(cache, result.dataset);
  expect([...(await dataset.rowsOf('t', 'train'))]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 10]);
  expect([...(await dataset.rowsOf('t', 'test'))]).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19]);
  const table = await firstRows<QuarantinedRow>(cache.store, required(result.quarantine, 'the table'), 9);
  expect(table.map(({ code, source }) => [code, source])).toEqual([
    ['PROMPT_TOO_LONG', expect.stringContaining('train-9')],
    ['PROMPT_TOO_LONG', expect.stringContaining('test-9')],
  ]);
  expect(table[0]?.reason).toMatch(/a prompt of \d+ tokens and an answer of \d+ exceed the model's \d+ positions/);
  expect(await admit(inputOf(recipe, ingestion))).toMatchObject({ cached: true, inadmissibleCount: 2 });
});

it("encodes the task's system message before the prompt", async () => {
  const tokenCount = async (system?: string) => {
    const { recipe, ingestion } = await ingested({ train: fill('good', 3), test: fill('fine', 3) }, 0.2, system);
    const parsed = await recipeOf(cache, recipe);
    const loaded = await context.processors.of(snapshot);
    const prompted = await context.prompter.open(loaded, ingestion.dataset, promptingOf(parsed, ['t']));
    const [example] = await prompted.dataset.examplesAt([0]);
    return (await prompted.encode(required(example, 'an example'), 'direct')).tokenIds.length;
  };
  expect(await tokenCount('You judge words.')).toBeGreaterThan(await tokenCount());
});

it('returns the ingested dataset unchanged if all of it is admissible', async () => {
  const { recipe, ingestion } = await ingested({ train: fill('good', 3), test: fill('fine', 3) });
  const result = await admit(inputOf(recipe, ingestion));
  expect(result).toMatchObject({ dataset: ingestion.dataset, exampleCount: 6, inadmissibleCount: 0 });
  expect(result.quarantine).toBeUndefined();
});

it('fails before any training if more rows than quarantineRateMax, or all, are inadmissible', async () => {
  const some = await ingested({ train: [...fill('good', 5), long, `${long}too`], test: fill('fine', 3) });
  await expect(admit(inputOf(some.recipe, some.ingestion))).rejects.toMatchObject({
    code: 'DATASET_QUARANTINE_CEILING',
    message: '2 of 7 examples cannot be shown to the policy',
  });
  const all = await ingested({ train: [long], test: fill('fine', 3) }, 1);
  await expect(admit(inputOf(all.recipe, all.ingestion))).rejects.toMatchObject({
    code: 'DATASET_EMPTY',
    details: { where: 'tasks.t, split train' },
  });
});
