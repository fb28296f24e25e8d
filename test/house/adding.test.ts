/** The worked examples of docs/adding.md, and the recipe of docs/getting-started.md: every block is written to a file and does what the page says. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { type Architecture, readArchitecture } from '../../policy/models/architecture.ts';
import { rolloutGraph } from '../../policy/models/rollout-graph.ts';
import { trainingGraph } from '../../policy/models/training-graph.ts';
import { printGraph } from '../../policy/graph/print.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import { expectNone } from '../support/expect-none.ts';
import { blocksOf } from '../support/page-blocks.ts';
import { projectRoot, textOf } from '../support/source-files.ts';

const blocks = blocksOf('docs/adding.md');
const sources = [...blocks.keys()].filter((path) => path.endsWith('.ts'));

// Inside the project, where packages are found.
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

/** Imports from where the page says that the file lies: of the project, or of another block. */
function withPlaces(path: string, text: string): string {
  return text.replace(/(?<=from ')\.[^']+/g, (specifier) => {
    const target = resolve(projectRoot, dirname(path), specifier);
    return existsSync(target) ? target : resolve(folder, dirname(path), specifier);
  });
}

async function moduleOf(path: string): Promise<unknown> {
  return import(pathToFileURL(join(folder, path)).href);
}

test('a task and a dataset are read as the page says', async () => {
  const { parsed } = loadRecipeFile(join(folder, 'my-judge', 'recipe.yaml'), ['quarantineRateMax=0.5']);
  const { examples, quarantined } = await ingestDatasets(parsed, { image: () => undefined });
  const kept = examples.map(({ task, split, label }) => `${task} ${split} ${label}`);
  expect(kept.sort()).toEqual([
    ...['legible test 1', 'legible test 3'],
    ...['sharp test no', 'sharp test yes', 'sharp train no', 'sharp train yes'],
  ]);
  expect(quarantined.map(({ code }) => code)).toEqual(['LABEL_UNKNOWN', 'LABEL_UNKNOWN']);
});

test('the first recipe of a newcomer reads its rows', async () => {
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

test('the code of the page compiles under the rules of the project', () => {
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

test('the gradient of the loss is that of its differences', async () => {
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

  test('gives the graphs of Llama', async () => {
    const mistral = await load();
    const found = mistral({ ...fields, model_type: 'mistral', sliding_window: null }, 'config.json');
    expect(graphsOf(found)).toEqual(graphsOf(readArchitecture({ ...fields, model_type: 'llama' }, 'config.json')));
  });

  test('refuses the window that it does not compute', async () => {
    const mistral = await load();
    const windowed = { ...fields, model_type: 'mistral', sliding_window: 4096 };
    expect(() => mistral(windowed, 'config.json')).toThrow(/sliding_window/);
  });
});
