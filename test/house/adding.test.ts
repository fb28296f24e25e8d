/**
 * The worked examples of docs/adding.md and the recipe of docs/getting-started.md: every block is written to a file and
 * does what the page says.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { type Architecture, readArchitecture } from '../../policy/models/architecture.ts';
import { rolloutGraph } from '../../policy/models/rollout-graph.ts';
import { trainingGraph } from '../../policy/models/training-graph.ts';
import { printGraph } from '../../policy/graph/print.ts';
import type { OpenEngineService } from '../../policy/engines/engine-service.ts';
import { engineNamed, engineTable } from '../../policy/engines/table.ts';
import { codeVersionsOf } from '../../pipeline/code/code-version.ts';
import { EnginePool } from '../../pipeline/policies/engine-pool.ts';
import { PolicyStates } from '../../pipeline/policies/policy-states.ts';
import type { Snapshot } from '../../pipeline/policies/snapshot-artifact.ts';
import { StateCache } from '../../pipeline/policies/state-cache.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import { callerWith } from '../support/caller.ts';
import { expectNone } from '../support/expect-none.ts';
import { blocksOf } from '../support/page-blocks.ts';
import { projectRoot } from '../../core/project.ts';
import { textOf } from '../support/source-files.ts';

const blocks = blocksOf('docs/adding.md');
const sources = [...blocks.keys()].filter((path) => path.endsWith('.ts'));

// Inside the project, so that packages resolve.
mkdirSync(join(projectRoot, '.mtrl'), { recursive: true });
const folder = mkdtempSync(join(projectRoot, '.mtrl', 'adding-'));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

async function drawPictures(images: string, names: readonly string[]): Promise<void> {
  mkdirSync(join(folder, images), { recursive: true });
  for (const [i, name] of names.entries()) {
    const background = { r: 40 * i, g: 90, b: 30 };
    const picture = sharp({ create: { width: 32, height: 32, channels: 3, background } });
    await picture.toFile(join(folder, images, `${name}.png`));
  }
}

beforeAll(async () => {
  for (const [path, text] of blocks) write(path, path.endsWith('.ts') ? withPlaces(path, text) : text);
  for (const [path, text] of blocksOf('docs/getting-started.md')) write(`start/${path}`, text);
  await drawPictures('my-judge/pictures', ['stop', 'yield', 'exit', 'gate', 'road']);
  await drawPictures('start/data/images', ['cat', 'dog', 'owl', 'fox']);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Resolves imports relative to the place that the page gives the file: in the project, or in another block. */
function withPlaces(path: string, text: string): string {
  return text.replace(/(?<=from ')\.[^']+/g, (specifier) => {
    const target = resolve(projectRoot, dirname(path), specifier);
    return existsSync(target) ? target : resolve(folder, dirname(path), specifier);
  });
}

async function moduleOf(path: string): Promise<unknown> {
  return import(pathToFileURL(join(folder, path)).href);
}

test("reads the page's task and dataset", async () => {
  const { parsed } = loadRecipeFile(join(folder, 'my-judge', 'recipe.yaml'), ['quarantineRateMax=0.5']);
  const { examples, quarantined } = await ingestDatasets(parsed, { image: () => undefined });
  const kept = examples.map(({ task, split, label }) => `${task} ${split} ${label}`);
  expect(kept.sort()).toEqual([
    ...['legible test 1', 'legible test 3'],
    ...['sharp test no', 'sharp test yes', 'sharp train no', 'sharp train yes'],
  ]);
  expect(quarantined.map(({ code }) => code)).toEqual(['LABEL_UNKNOWN', 'LABEL_UNKNOWN']);
});

test('reads the rows of the first recipe of docs/getting-started.md', async () => {
  const { parsed } = loadRecipeFile(join(folder, 'start', 'my-judge.yaml'), []);
  const { examples, quarantined } = await ingestDatasets(parsed, { image: () => undefined });
  expect(examples.map(({ split, label }) => `${split} ${label}`)).toEqual([
    'train yes',
    'train no',
    'test yes',
    'test no',
  ]);
  expect(quarantined).toEqual([]);
});

test("compiles the page's code under the project's rules", () => {
  const { config } = ts.readConfigFile(join(projectRoot, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, projectRoot);
  const program = ts.createProgram(
    sources.map((path) => join(folder, path)),
    { ...options, rewriteRelativeImportExtensions: false, allowImportingTsExtensions: true },
  );
  const problems = sources.flatMap((path) =>
    ts.getPreEmitDiagnostics(program, program.getSourceFile(join(folder, path))),
  );
  expectNone(problems.map(({ file, messageText }) => `${file?.fileName ?? ''}: ${JSON.stringify(messageText)}`));
});

test('matches the gradient of the loss with finite differences', async () => {
  const { problems } = (await moduleOf('test/policy/focal.ts')) as { problems: () => Promise<string[]> };
  expectNone(await problems());
});

describe('the architecture', () => {
  const {
    model_type: _type,
    pretraining_tp: _tp,
    attention_bias: _bias,
    mlp_bias: _mlp,
    ...fields
  } = JSON.parse(textOf('test/fixtures/text-models/llama-linear/config.json')) as Record<string, unknown>;
  const load = async (): Promise<(json: unknown, where: string) => Architecture> =>
    ((await moduleOf('policy/models/mistral.ts')) as { mistral: (json: unknown, where: string) => Architecture })
      .mistral;
  const graphsOf = (architecture: Architecture): string[] => {
    const specs = architecture.parameterSpecs;
    return [
      printGraph(trainingGraph(architecture, specs, { withImages: false, loss: 'ppo' })),
      printGraph(rolloutGraph(architecture, specs, { withImages: false })),
    ];
  };

  test('builds the same graphs as Llama', async () => {
    const mistral = await load();
    const found = mistral({ ...fields, model_type: 'mistral', sliding_window: null }, 'config.json');
    expect(graphsOf(found)).toEqual(graphsOf(readArchitecture({ ...fields, model_type: 'llama' }, 'config.json')));
  });

  test('refuses the sliding window that it does not compute', async () => {
    const mistral = await load();
    const windowed = { ...fields, model_type: 'mistral', sliding_window: 4096 };
    expect(() => mistral(windowed, 'config.json')).toThrow(/sliding_window/);
  });
});

describe('the engine', () => {
  const table = async () => {
    const { openSilent } = (await moduleOf('policy/engines/silent/open.ts')) as { openSilent: OpenEngineService };
    return { ...engineTable, silent: openSilent };
  };

  test('is added with one file and one line: a worker with its name uses it in its pool', async () => {
    const [name, open] = engineNamed({ MTRL_ENGINE: 'silent' }, await table());
    expect(name).toBe('silent');
    const store = new ArtifactStore(new FolderObjectStore(join(folder, 'store')));
    const engines = await open({ environment: {}, threadCount: 1, store, spoolFolder: join(folder, 'spool') });
    const pool = new EnginePool(1, () => engines.start());
    const transfer = engines.states;
    const replay = () => Promise.reject(new Error('nothing was recorded'));
    const states = new PolicyStates({ store, pool, transfer, cache: new StateCache(transfer), replay });
    const checkpoint = await store.putJson({ schema: 1, files: {} });
    const snapshot: Snapshot = { schema: 1, step: 0, checkpoint, optimizer: null, records: [], previous: null };
    const policy = { snapshot: await store.putJson(snapshot), log: [] };
    const { groups, runtime } = await states.withPolicy(callerWith(), { policy }, async (held) => {
      const request = {
        ...{ prompts: [{ tokenIds: [3, 4], images: [] }], groupSize: 2, seed: 0, step: 0, promptOffset: 0 },
        ...{ sampling: { temperature: 1, greedy: false, tokenCountMax: 8 }, promptTokenCountMax: 2 },
        tokens: { stopTokenId: 1, padTokenId: 0, bannedTokenIds: [] },
      };
      return { ...(await held.engine.sample(request)), runtime: held.runtime };
    });
    expect(groups.flat().map(({ tokenIds }) => tokenIds)).toEqual([[1], [1]]);
    expect(runtime.backend).toBe('silent');
    await pool.close();
  });

  test('has a folder of its name with open.ts, from which its code version is derived', () => {
    for (const name of Object.keys(engineTable))
      expect(codeVersionsOf(projectRoot, 'onnxruntime', name).rollout).toMatch(/^[0-9a-f]{64}$/);
    expect(() => codeVersionsOf(projectRoot, 'onnxruntime', 'silent')).toThrow(/cannot be read/);
  });

  test('with an unknown name is a usage error, and the default is the embedded one', () => {
    expect(engineNamed({}, engineTable)[0]).toBe('embedded');
    expect(() => engineNamed({ MTRL_ENGINE: 'skynet' }, engineTable)).toThrow(
      expect.objectContaining({ code: 'USAGE' }) as Error,
    );
  });
});
