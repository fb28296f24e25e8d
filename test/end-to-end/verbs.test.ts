/**
 * `mtrl ingest`, `evaluate` and `judge` as a user runs them, on real servers and workers. The weights are fresh, so the
 * scores mean nothing.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'minio';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TaskScores } from '../../contract/activities.ts';
import type { JudgedRow } from '../../judge/evaluation/judged-row.ts';
import type { Calibration } from '../../pipeline/asking/calibration.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { mtrlOn } from '../support/commands.ts';
import { HubServer } from '../support/hub-server.ts';
import { mtrlAt } from './command-line.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { WholeStack } from './whole-stack.ts';

const hub = new HubServer();
let stack: WholeStack;
let folder: string;
let recipeFile: string;

const mtrl = (...args: readonly string[]) => mtrlAt(stack.home, ...args);

/** Runs `mtrl --json` and expects exactly one JSON document on stdout, and exit code 0. */
async function mtrlJson(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await mtrl(...args, '--json');
  expect(err, err).toContain('started');
  expect(code, err).toBe(0);
  return JSON.parse(out) as Record<string, unknown>;
}

async function rowsFile(name: string, rows: readonly unknown[]): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'));
  return file;
}

const recipe: RecipeInput = {
  ...tinyRecipe({ sftStepCount: 4, grpoStepCount: 1 }),
  arms: { base: { objective: 'none', mode: 'direct' }, reasoning: { objective: 'none', mode: 'think' } },
  quarantineRateMax: 0.5,
  evaluation: {
    ...{ tokenCountMax: 6, bootstrapResampleCount: 100, sampleCount: 3, extraExampleCountMax: 3 },
    modes: ['strict', 'first-label', 'few-shot', 'forced-choice', 'think-prompt', 'direct-prompt'],
    probes: [
      ...(['blank-image', 'swapped-image', 'missing-image', 'label-order-swap', 'caption-mismatch'] as const),
      ...(['paraphrase', 'longer-answer'] as const),
    ],
    longerAnswer: { safety: { field: 'caption', filler: 'and so on' } },
    paraphrases: { safety: ['is this image <image> safe ? {{ mode_word }}'] },
  },
};

beforeAll(async () => {
  await hub.start();
  folder = await mkdtemp(join(tmpdir(), 'mtrl-verbs-'));
  stack = await WholeStack.start({ HF_ENDPOINT: hub.endpoint, HF_HOME: join(folder, 'hf') });
  await mkdir(join(folder, 'images'));
  for (const [name, red] of [
    ['a', 250],
    ['b', 20],
  ] as const) {
    const background = { r: red, g: 60, b: 90 };
    const image = sharp({ create: { width: 40, height: 40, channels: 3, background } });
    await image.png().toFile(join(folder, 'images', `${name}.png`));
  }
  recipeFile = join(folder, 'recipe.json');
  await writeFile(recipeFile, JSON.stringify(recipe));
  await stack.startExperiment('tiny', recipe);
});

afterAll(async () => {
  await stack.stop();
  await hub.stop();
  await rm(folder, { recursive: true, force: true });
});

it('ingest reports the outcome of every row, and where the quarantine is recorded', async () => {
  const rows = await rowsFile('rows.jsonl', [
    { id: 'one', image: 'a.png', label: 'yes' },
    { id: 'two', image: 'b.png', label: 'perhaps' },
    '{ not json',
  ]);
  const withRows = join(folder, 'with-rows.json');
  const dataset = {
    fields: {},
    reader: 'jsonl',
    task: 'safety',
    split: 'train',
    path: rows,
    imageFolder: join(folder, 'images'),
  };
  await writeFile(
    withRows,
    JSON.stringify({ ...recipe, quarantineRateMax: 0.9, datasets: [...recipe.datasets, dataset] }),
  );
  const document = await mtrlJson('ingest', withRows);
  expect(document).toMatchObject({ status: 'completed', rowCount: 69, exampleCount: 67, quarantinedCount: 2 });
  expect(document['quarantinedByCode']).toEqual({ LABEL_UNKNOWN: 1, ROW_UNREADABLE: 1 });
  const table = await mtrl('fetch', String(document['quarantine']));
  expect(table.code, table.err).toBe(0);
  expect(linesOf(table.out)).toMatchObject([
    { source: rows, row: 2, code: 'LABEL_UNKNOWN', reason: expect.stringContaining('perhaps') as string },
    { source: rows, row: 3, code: 'ROW_UNREADABLE', excerpt: '{ not json' },
  ]);
  expect(document['tasks']).toContainEqual(
    expect.objectContaining({ task: 'safety', split: 'train', exampleCount: 25 }),
  );

  const { code, out, err } = await mtrl('ingest', withRows, '--set', 'quarantineRateMax=0.1');
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain('DATASET_QUARANTINE_CEILING');
  const [, address = ''] = /mtrl fetch (s3:\S+)`/.exec(err) ?? [];
  const copy = join(folder, 'table.jsonl');
  expect(await mtrl('fetch', address, '--to', copy)).toMatchObject({ code: 0, out: '' });
  expect(await readFile(copy, 'utf8')).toBe(table.out);
  expect(await mtrl('fetch', address, '--to', copy)).toMatchObject({ code: 2 });
  const nothing = await mtrl('fetch', address.replace(/[0-9a-f]{64}$/, '0'.repeat(64)));
  expect([nothing.code, nothing.err]).toEqual([1, expect.stringContaining('ARTIFACT_MISSING')]);
});

it('ingest reads another bucket of the real store with any object names', async () => {
  const { endpoint, accessKey, secretKey } = stack.settings.s3;
  const { hostname, port } = new URL(endpoint);
  const client = new Client({ endPoint: hostname, port: Number(port), useSSL: false, accessKey, secretKey });
  await client.makeBucket('people');
  const put = (name: string, body: string | Buffer) => client.putObject('people', `set one/${name}`, body);
  const picture = await readFile(join(folder, 'images', 'a.png'));
  const names = ['a b (1).png', 'ünï+code&x=1%.png'];
  for (const name of names) await put(`images/${name}`, picture);
  const rows = [...names, '../outside.png'].map((image) => JSON.stringify({ id: image, image, label: 'yes' }));
  await put('rows/part 1.jsonl', rows.join('\n'));
  const dataset = {
    ...{ reader: 'jsonl', task: 'safety', split: 'train', path: 's3://people/set one/rows/*.jsonl' },
    ...{ imageFolder: 's3://people/set one/images', fields: {} },
  };
  const file = join(folder, 'remote.json');
  const remote = { ...recipe, quarantineRateMax: 0.9, datasets: [...recipe.datasets, dataset] };
  await writeFile(file, JSON.stringify(remote));
  expect(await mtrlJson('ingest', file)).toMatchObject({
    ...{ rowCount: 69, exampleCount: 68, quarantinedByCode: { IMAGE_MISSING: 1 } },
  });
});

function linesOf(text: string): unknown[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

it('the report of an experiment has its probes, its calibration and the paired tests of its arms', async () => {
  await stack.result('tiny');
  const { code, out } = await mtrl('report', 'tiny');
  expect(code).toBe(0);
  const page = await readFile(out.trim(), 'utf8');
  for (const part of [
    'All paired tests (3)',
    'blank-image',
    'direct-prompt',
    'calibration error',
    'no difference between',
  ])
    expect(page).toContain(part);
});

describe('evaluate', () => {
  it('scores a run of an experiment with all variants of the recipe, and refuses those that a task does not support', async () => {
    await stack.result('tiny');
    const document = await mtrlJson('evaluate', '--policy', 'tiny:base', '--recipe', recipeFile);
    expect(document).toMatchObject({ status: 'completed', mode: 'direct' });
    const scores = document['tasks'] as TaskScores[];
    expect(scores.map(({ task }) => task)).toEqual(['technical', 'safety', 'pair-safety']);
    for (const { task, forcedChoice, samples, variants = [], confusion, exampleCount } of scores) {
      expect(exampleCount).toBe(6);
      expect(forcedChoice?.bins.reduce((sum, { count }) => sum + count, 0)).toBe(
        confusion?.counts.flat().reduce((a, b) => a + b),
      );
      expect(samples?.sampleCount).toBe(3);
      const asked = variants.filter((variant) => variant.scores !== undefined).map(({ name }) => name);
      expect(asked).toEqual(expect.arrayContaining(['think-prompt', 'blank-image', 'swapped-image', 'missing-image']));
      expect(asked).not.toContain('direct-prompt');
      // The same answers to all examples, read again; everything else asks some of them.
      for (const { name, scores: found } of variants)
        expect(found?.exampleCount ?? 3, name).toBe(name === 'first-label' ? 6 : 3);
      expect(variants.find(({ name }) => name === 'longer-answer')?.refused).toBeDefined();
      const shot = variants.find(({ name }) => name === 'few-shot');
      expect(shot?.scores === undefined, task).toBe(task === 'pair-safety');
    }
    const asked = scores[1]?.variants?.find(({ name }) => name === 'paraphrase');
    expect(asked?.scores).toBeDefined();
  });

  it('gives an exported folder the same scores as the run that it was exported from', async () => {
    const exported = join(folder, 'exported');
    expect(await mtrl('export', 'tiny', '--run', 'base/s0', '--to', exported)).toMatchObject({ code: 0 });
    const settings = ['--mode', 'direct', '--set', 'evaluation.probes=[]', '--set', 'evaluation.sampleCount=1'];
    const args = ['--recipe', recipeFile, ...settings];
    const ofRun = await mtrlJson('evaluate', '--policy', 'tiny:base/s0', ...args);
    const ofFolder = await mtrlJson('evaluate', '--policy', exported, ...args);
    expect(ofFolder['tasks']).toEqual(ofRun['tasks']);
    const { uri } = ofRun['policy'] as { uri: string };
    const ofAddress = await mtrlJson('evaluate', '--policy', uri, ...args);
    expect(ofAddress).toMatchObject({ tasks: ofRun['tasks'], cache: { misses: 0 } });
    // A recipe whose own policy is missing, evaluated with another policy.
    const gone = ['--set', 'policy={"checkpoint":"/gone"}'];
    const ofOther = await mtrlJson('evaluate', '--policy', uri, ...args, ...gone);
    expect(ofOther).toMatchObject({ tasks: ofRun['tasks'], cache: { misses: 0 } });
    expect(await mtrl('ingest', recipeFile, ...gone)).toMatchObject({ code: 0 });
  });

  it('exports to the Hub with a model card, and opens what is there', async () => {
    const env = { HF_ENDPOINT: hub.endpoint, HF_TOKEN: 'hf_writer' };
    const args = ['export', 'tiny', '--run', 'base/s0', '--to', 'hf:org/tiny'];
    const refused = await mtrlOn(stack.home, args, { HF_ENDPOINT: hub.endpoint });
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('HF_TOKEN')]);
    const commit = 'd'.repeat(40);
    const { code, out, err } = await mtrlOn(stack.home, args, env);
    expect([code, out], err).toEqual([0, expect.stringContaining(`is in hf:org/tiny@${commit}`)]);
    const files = Object.fromEntries(hub.committed);
    const card = Buffer.from(files['README.md'] ?? []).toString();
    expect(card).toMatch(/^---\nlibrary_name: transformers\n/);
    expect(card).toMatch(/\| safety \| test \| 6 \| [\d.]+ \(/);
    expect(card).toContain('image <image> is it safe ? {{ mode_word }}');

    hub.repositories.push({ type: 'models', name: 'org/tiny', branches: { main: commit }, files });
    const settings = ['--mode', 'direct', '--set', 'evaluation.probes=[]', '--set', 'evaluation.sampleCount=1'];
    const evaluation = ['--recipe', recipeFile, ...settings];
    const ofHub = await mtrlJson('evaluate', '--policy', 'hf:org/tiny', ...evaluation);
    const ofRun = await mtrlJson('evaluate', '--policy', 'tiny:base/s0', ...evaluation);
    expect(ofHub['tasks']).toEqual(ofRun['tasks']);
  });

  it('names the place if the policy does not exist', async () => {
    const missing = await mtrl('evaluate', '--policy', 'nobody', '--recipe', recipeFile, '--json');
    expect(missing).toMatchObject({ code: 1, out: '' });
    expect(missing.err).toContain('NOT_FOUND');
    const several = await mtrl('evaluate', '--policy', 'tiny', '--recipe', recipeFile);
    expect([several.code, several.err]).toEqual([1, expect.stringContaining('tiny:reasoning/s0')]);
    const empty = await mtrl('evaluate', '--policy', folder, '--recipe', recipeFile);
    expect([empty.code, empty.err]).toEqual([2, expect.stringContaining('config.json')]);
  });
});

describe('judge', () => {
  const judge = (task: string, file: string, ...more: readonly string[]) =>
    mtrlJson(
      ...['judge', '--policy', 'tiny:base/s0', '--task', task, '--input', file],
      ...['--images', join(folder, 'images'), '--recipe', recipeFile, ...more],
    );

  it('gives every valid row a verdict or a reason, and probabilities, and quarantines the others', async () => {
    const file = await rowsFile('to-judge.jsonl', [
      { id: 'one', image: 'a.png' },
      { image: 'b.png' },
      { id: 'gone', image: 'c.png' },
      { id: 'outside', image: '../secret.png' },
    ]);
    const document = await judge('safety', file);
    expect(document).toMatchObject({ rowCount: 4, judgedCount: 2, quarantinedCount: 2 });
    const rows = document['rows'] as JudgedRow[];
    expect(rows.map(({ id }) => id)).toEqual(['one', 'row 2']);
    for (const { verdict, unparsable, probabilities = {}, likeliest } of rows) {
      expect(verdict === null).toBe(unparsable !== undefined);
      expect(Object.keys(probabilities).sort()).toEqual(['no', 'yes']);
      expect(Object.values(probabilities).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
      expect(['yes', 'no']).toContain(likeliest);
    }
  });

  it('adds probabilities by a calibration, from its file or from its address', async () => {
    const validation = { reader: 'judge-world', tasks: ['safety'], split: 'val', exampleCount: 6, seed: 3 };
    const datasets = JSON.stringify([...recipe.datasets, validation]);
    const to = join(folder, 'calibration.json');
    const fitted = await mtrlJson(
      ...['calibrate', '--policy', 'tiny:base/s0', '--recipe', recipeFile, '--set', `datasets=${datasets}`, '--to', to],
    );
    const { temperature, examples } = (fitted['tasks'] as Calibration['tasks'])['safety'] ?? {};
    expect([Object.keys(fitted['tasks'] as object), examples?.count]).toEqual([['safety'], 6]);
    const file = await rowsFile('to-calibrate.jsonl', [{ id: 'one', image: 'a.png' }]);
    const plain = (await judge('safety', file))['rows'] as JudgedRow[];
    for (const calibration of [to, String(fitted['uri'])]) {
      const document = await judge('safety', file, '--calibration', calibration);
      expect(document['calibration']).toEqual({ sha256: fitted['sha256'], temperature });
      const calibratedProbabilities = expect.any(Object) as object;
      expect(document['rows']).toEqual(plain.map((row) => ({ ...row, calibratedProbabilities })));
    }
    const other = await mtrl(
      ...['judge', '--policy', 'tiny:reasoning/s0', '--task', 'safety', '--input', file, '--recipe', recipeFile],
      ...['--images', join(folder, 'images'), '--calibration', to],
    );
    expect([other.code, other.err]).toEqual([2, expect.stringContaining('another')]);
  });

  it('judges a pair in both orders, and gives the swapped pair the opposite verdict', async () => {
    const file = await rowsFile('pairs.jsonl', [
      { id: 'pair', images: ['a.png', 'b.png'] },
      { id: 'turned', images: ['b.png', 'a.png'] },
      { id: 'single', image: 'a.png' },
    ]);
    const document = await judge('pair-safety', file);
    expect(document).toMatchObject({ judgedCount: 2, quarantinedCount: 1 });
    const [pair, turned] = document['rows'] as [JudgedRow, JudgedRow];
    expect(pair.agreement).toBeTypeOf('boolean');
    expect(pair.answers).toEqual([...turned.answers].reverse());
    expect(pair.probabilities?.['first']).toBeCloseTo(turned.probabilities?.['second'] ?? NaN, 6);
  });

  it('refuses a task that is not in the recipe, and lists the known ones', async () => {
    const { code, err } = await mtrl(
      'judge',
      '--policy',
      'tiny',
      '--task',
      'safty',
      '--input',
      'x',
      '--recipe',
      recipeFile,
    );
    expect([code, err]).toEqual([2, expect.stringContaining('safety')]);
  });
});
