/** Initial policies from everything that a recipe can name: folders, GGUF files, and both on the Hub. */
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createComputeActivities } from '../../activities/compute.ts';
import { createControlActivities } from '../../activities/control.ts';
import { Hub } from '../../artifacts/hub/hub.ts';
import { hubSettings } from '../../artifacts/hub/hub-settings.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { readFolderManifest } from '../../artifacts/store/files.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { sha256 } from '../../core/json.ts';
import { EnginePool } from '../../pipeline/policies/engine-pool.ts';
import { StateCache } from '../../pipeline/policies/state-cache.ts';
import { openEmbedded } from '../../policy/engines/embedded/open.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { HubServer } from '../support/hub-server.ts';
import { silentLogger } from '../support/silent-logger.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const model = fixture('text-models/qwen2');
const ggufFile = fixture('gguf/qwen2.gguf');
const commit = 'c'.repeat(40);
const root = await mkdtemp(join(tmpdir(), 'mtrl-import-'));
const server = new HubServer();
const store = new ArtifactStore(new FolderObjectStore(join(root, 'store')));
const environment = new MockActivityEnvironment({}, { logger: silentLogger });
let control: ReturnType<typeof createControlActivities>;
let compute: ReturnType<typeof createComputeActivities>;
let enginePool: EnginePool;

beforeAll(async () => {
  await server.start();
  const names = (await readdir(model)).filter((name) => !name.startsWith('expected'));
  const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(model, name))]));
  const rows = ['good', 'bad'].map((word, i) => JSON.stringify({ id: word, word, label: i === 0 ? 'yes' : 'no' }));
  server.repositories.push(
    {
      ...{ type: 'models', name: 'org/qwen', branches: { main: commit } },
      files: { ...files, 'pytorch_model.bin': Buffer.from('pickle'), 'q/qwen2.gguf': readFileSync(ggufFile) },
    },
    {
      ...{ type: 'datasets', name: 'org/words', branches: { v1: commit } },
      files: { 'data/train.jsonl': Buffer.from(rows.join('\n')), 'data/test.jsonl': Buffer.from(rows.join('\n')) },
    },
  );
  const hub = new Hub(hubSettings({ HF_ENDPOINT: server.endpoint, HF_HOME: join(root, 'hf') }));
  const deps = { store, codeVersion: () => 'code', log: pino({ enabled: false }), hub };
  const engines = await openEmbedded({ environment: {}, threadCount: 1, store, spoolFolder: root });
  enginePool = new EnginePool(1, () => engines.start());
  control = createControlActivities(deps);
  compute = createComputeActivities({
    ...{ ...deps, enginePool, transfer: engines.states, stateCache: new StateCache(engines.states), spoolFolder: root },
  });
});
afterAll(async () => {
  await enginePool.close();
  await server.stop();
  await rm(root, { recursive: true, force: true });
});

const words = 'hf:datasets/org/words@v1/data';
const recipeWith = (checkpoint: string): RecipeInput => ({
  name: 'words',
  policy: { checkpoint },
  tasks: { words: { kind: 'pointwise', labels: ['yes', 'no'], prompt: '{{ word }}' } },
  datasets: (['train', 'test'] as const).map((split) => ({
    ...{ reader: 'jsonl', task: 'words', split, path: `${words}/${split}.jsonl` },
    fields: { id: 'id', label: 'label', images: [], prompt: ['word'] },
  })),
  arms: { base: { objective: 'none', mode: 'direct' } },
});

const run = <I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> =>
  environment.run<[I], R, (input: I) => Promise<R>>(activity, input);

async function imported(checkpoint: string) {
  const { recipe } = await run(control.prepare, { recipe: recipeWith(checkpoint) });
  const result = await run(compute.importPolicy, { recipe });
  const { files } = await readFolderManifest(store, result.checkpoint);
  return { recipe: (await store.getJson(recipe)) as RecipeInput, result, files };
}

describe('a policy', () => {
  it('opens from a GGUF file, with what it was in the lineage; the same file is converted once', async () => {
    const { result, files } = await imported(ggufFile);
    expect(Object.keys(files)).toEqual(expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']));
    expect(await store.getJson(result.manifest)).toMatchObject({
      config: {
        ...{ form: 'gguf', architecture: 'qwen2', name: 'qwen2', tensors: '11 F32 + 15 F16' },
        files: { gguf: sha256(readFileSync(ggufFile)) },
      },
    });
    const elsewhere = join(root, 'copy.GGUF');
    await cp(ggufFile, elsewhere);
    expect((await imported(elsewhere)).result).toMatchObject({ cached: true, checkpoint: result.checkpoint });
  });

  it('opens from the Hub as from the folder, at the commit that the recipe keeps', async () => {
    const folder = join(root, 'qwen');
    await cp(model, folder, { recursive: true, filter: (path) => !path.includes('expected') });
    const local = await imported(folder);
    const remote = await imported('hf:org/qwen');
    expect(remote.files).toEqual(local.files);
    expect(remote.recipe).toMatchObject({
      policy: { checkpoint: `hf:org/qwen@${commit}` },
      datasets: [{ path: `hf:datasets/org/words@${commit}/data/train.jsonl` }, {}],
    });
    expect(server.requests.filter((request) => request.includes('.bin'))).toEqual([]);
  });

  it('opens from one GGUF file of a repository', async () => {
    const { result } = await imported('hf:org/qwen/q/qwen2.gguf');
    expect(result.checkpoint).toEqual((await imported(ggufFile)).result.checkpoint);
  });

  it.each([
    ['hf:org/none', 'NOT_FOUND', 'hf:org/none@main at '],
    ['hf:org/qwen/q/q8.gguf', 'FILE_MISSING', `hf:org/qwen@${commit}/q/q8.gguf`],
    ['hf:org', 'RECIPE_INVALID', ''],
  ])('%s is refused: %s', async (checkpoint, code, where) => {
    await expect(imported(checkpoint)).rejects.toMatchObject({
      type: code,
      message: expect.stringContaining(where) as string,
    });
  });

  it('is stored without weights that are not read', async () => {
    const folder = join(root, 'several');
    await cp(model, folder, { recursive: true, filter: (path) => !path.includes('expected') });
    await writeFile(join(folder, 'consolidated.safetensors'), 'other weights');
    expect((await imported(folder)).files).toEqual((await imported('hf:org/qwen')).files);
  });

  it('that cannot be opened is named as the user named it', async () => {
    const folder = join(root, 'broken');
    await cp(model, folder, { recursive: true });
    await writeFile(join(folder, 'tokenizer.json'), '{');
    await expect(imported(folder)).rejects.toMatchObject({
      type: 'CHECKPOINT_INVALID',
      message: expect.stringContaining(join(folder, 'tokenizer.json')) as string,
    });
    const pickled = join(root, 'pickled');
    await cp(model, pickled, { recursive: true, filter: (path) => !path.includes('safetensors') });
    await writeFile(join(pickled, 'pytorch_model.bin'), 'pickle');
    await expect(imported(pickled)).rejects.toMatchObject({
      type: 'FILE_MISSING',
      message: expect.stringMatching(/pickled\/model\.safetensors[^]*pytorch_model\.bin[^]*never opened/) as string,
    });
    const cut = join(root, 'cut.gguf');
    await writeFile(cut, (await readFile(ggufFile)).subarray(0, 40_000));
    await expect(imported(cut)).rejects.toMatchObject({ message: expect.stringContaining(cut) as string });
  });
});

it('rows of the Hub are ingested like local ones', async () => {
  const { recipe } = await run(control.prepare, { recipe: recipeWith(model) });
  const { dataset } = await run(control.ingest, { recipe });
  expect(await store.getJson(dataset)).toMatchObject({ exampleCount: 4, quarantinedCount: 0 });
});
