/** The server's judgments are those of `mtrl judge`, bit for bit, whatever other requests it answers. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { calibratingRecipe } from '../../cli/calibrating-recipe.ts';
import type { JudgedRow } from '../../judge/evaluation/judged-row.ts';
import { keptEvaluation } from '../../pipeline/asking/kept-evaluation.ts';
import { runVerb } from '../cli/run-init.ts';
import { atTemperature } from '../../judge/evaluation/temperature.ts';
import type { Calibration } from '../../pipeline/asking/calibration.ts';
import type { JudgedRows } from '../../pipeline/asking/judgments-artifact.ts';
import { changedRecipe } from '../../recipes/load.ts';
import { realActivities } from '../support/real-activities.ts';
import { demo, type DemoServer, demoServer, judgeRow, type WorldRow, worldRows } from './demo-server.ts';

let server: DemoServer;
let root: string;
let activities: Awaited<ReturnType<typeof realActivities>>;
let store: ArtifactStore;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-equal-'));
  store = new ArtifactStore(new FolderObjectStore(join(root, 'store')));
  activities = await realActivities(store, root);
  server = await demoServer();
});
afterAll(async () => {
  await server.close();
  await activities.close();
  await rm(root, { recursive: true, force: true });
});

const untrained = { base: { objective: 'none', mode: 'think' } };

/** A calibration of the demo's base checkpoint, fitted on other examples than the test judges. */
async function fittedOn(task: string): Promise<{ readonly ref: ArtifactRef; readonly calibration: Calibration }> {
  const { control, compute, run } = activities;
  const world = { reader: 'judge-world', tasks: [task], seed: 9 };
  const data = [
    { ...world, split: 'val', exampleCount: 24 },
    { ...world, split: 'test', exampleCount: 4 },
  ];
  const { parsed } = changedRecipe(
    { ...demo.recipe, datasets: data, arms: untrained, evaluation: { tasks: [task] } },
    [],
  );
  const { recipe } = await run(control.prepare, { recipe: calibratingRecipe(parsed, [task], 'think').recipe });
  const { dataset } = await run(control.ingest, { recipe });
  const { policy, checkpoint } = await run(compute.importPolicy, { recipe });
  const asked = { recipe, dataset, policy, arm: 'policy', seed: 0, task, split: 'val', mode: 'think' } as const;
  const { judgments } = await run(compute.evaluate, asked);
  const judged = [{ task, split: 'val', judgments } as const];
  const { calibration: ref } = await run(control.calibrate, { recipe, dataset, checkpoint, mode: 'think', judged });
  return { ref, calibration: (await store.getJson(ref)) as Calibration };
}

/** What an evaluation says of these rows, and the recipe that has them as its test data. */
async function evaluatedOn(task: string, rows: readonly WorldRow[]) {
  const { control, compute, run } = activities;
  const folder = await picturesOf(rows);
  const lines = rows.map(({ id, fields, label, pictures }) => {
    return JSON.stringify({ id, ...fields, label, images: pictures.map((_, i) => `${id}-${i}.png`) });
  });
  await writeFile(join(folder, 'labelled.jsonl'), lines.join('\n'));
  const [first] = rows;
  const images = first?.pictures.map((_, i) => `images.${i}`);
  const fields = { id: 'id', images, prompt: Object.keys(first?.fields ?? {}), label: 'label' };
  const data = {
    reader: 'jsonl',
    task,
    split: 'test',
    path: join(folder, 'labelled.jsonl'),
    imageFolder: folder,
    fields,
  };
  const evaluation = { tasks: [task], bootstrapResampleCount: 100 };
  const changes = { datasets: [data], arms: untrained, evaluation };
  const { recipe: written } = changedRecipe({ ...demo.recipe, ...changes }, []);
  await writeFile(join(folder, 'recipe.json'), JSON.stringify(written));
  const { recipe } = await run(control.prepare, { recipe: written });
  const { dataset } = await run(control.ingest, { recipe });
  const { policy } = await run(compute.importPolicy, { recipe });
  const asked = { recipe, dataset, policy, arm: 'policy', seed: 0, task, split: 'test', mode: 'think' } as const;
  const { scores } = await keptEvaluation(store, await run(compute.evaluate, asked));
  return { scores, recipe: join(folder, 'recipe.json') };
}

async function picturesOf(rows: readonly WorldRow[]): Promise<string> {
  const folder = await mkdtemp(join(root, 'rows-'));
  for (const { id, pictures } of rows)
    for (const [i, picture] of pictures.entries()) await writeFile(join(folder, `${id}-${i}.png`), picture);
  return folder;
}

/** What `mtrl judge` does with a file of these rows (workflows/judge-batch.ts), in a store and an engine of its own. */
async function judgedByFile(
  task: string,
  rows: readonly WorldRow[],
  calibration?: ArtifactRef,
): Promise<readonly JudgedRow[]> {
  const { control, compute, run } = activities;
  const folder = await picturesOf(rows);
  const lines = rows.map(({ id, fields, pictures }) => {
    return JSON.stringify({ id, ...fields, images: pictures.map((_, i) => `${id}-${i}.png`) });
  });
  const file = join(folder, 'rows.jsonl');
  await writeFile(file, lines.join('\n'));
  const read = await run(control.readRows, { recipe: demo.recipe, task, file });
  const { policy, checkpoint } = await run(compute.importPolicy, { recipe: read.recipe });
  const asked = { by: 'rows', task, mode: 'think' } as const;
  const { dataset } = await run(compute.admit, { recipe: read.recipe, dataset: read.dataset, policy, asked });
  const made = await run(compute.judgeRows, {
    ...{ recipe: read.recipe, dataset, policy, task, mode: 'think' },
    ...(calibration && { calibrated: { calibration, checkpoint } }),
  });
  return ((await store.getJson(made.rows)) as JudgedRows).rows;
}

it.each(['safety', 'alignment', 'pair-alignment'])('a batch of %s', async (task) => {
  const rows = await worldRows(task, 12);
  const { status, body } = await server.post('/v1/judge', { task, rows: rows.map(judgeRow) });
  expect(status).toBe(200);
  expect((body as { data: unknown }).data).toEqual(await judgedByFile(task, rows));
});

it.each(['safety', 'pair-alignment'])('requests of %s at once, each as a file of its row', async (task) => {
  const rows = await worldRows(task, 6);
  const answers = await Promise.all(rows.map((row) => server.post('/v1/judge', { task, ...judgeRow(row) })));
  for (const [i, { body }] of answers.entries())
    expect([body]).toMatchObject(await judgedByFile(task, rows.slice(i, i + 1)));
});

it('calibrated probabilities beside the others, by a calibration of this policy alone', async () => {
  const task = 'safety';
  const { ref, calibration } = await fittedOn(task);
  const { temperature, before, after, examples } = calibration.tasks[task] ?? {};
  expect([calibration.split, examples?.count]).toEqual(['val', 24]);
  expect(after?.logLoss).toBeLessThan(before?.logLoss ?? 0);
  const wanted = { name: 'demo', recipe: demo.parsed, mode: 'think' } as const;
  const calibrated = await demoServer({ find: () => Promise.resolve({ ...wanted, calibration }) });
  const rows = await worldRows(task, 6);
  const request = { task, rows: rows.map(judgeRow), calibrated: true };
  const { body } = await calibrated.post('/v1/judge', request);
  const { data, calibration: used } = body as { data: JudgedRow[]; calibration: unknown };
  expect(used).toEqual({ sha256: ref.sha256, temperature });
  expect(data).toEqual(await judgedByFile(task, rows, ref));
  const plain = await judgedByFile(task, rows);
  expect(data.map(({ calibratedProbabilities: _, ...row }) => row)).toEqual(plain);
  for (const { probabilities = {}, calibratedProbabilities = {} } of data)
    expect(Object.values(calibratedProbabilities)).toEqual(
      atTemperature(Object.values(probabilities), temperature ?? 0),
    );
  const refusal = async (answer: ReturnType<DemoServer['post']>) => (await answer).body as { error: unknown };
  expect(await refusal(calibrated.post('/v1/judge', { ...request, mode: 'direct' }))).toMatchObject({
    error: { param: 'calibrated', message: expect.stringContaining('another mode') as string },
  });
  expect(await refusal(server.post('/v1/judge', request))).toMatchObject({ error: { param: 'calibrated' } });
  const other = { ...calibration, policy: { sha256: '0'.repeat(64) } };
  await expect(demoServer({ find: () => Promise.resolve({ ...wanted, calibration: other }) })).rejects.toMatchObject({
    code: 'USAGE',
  });
  await calibrated.close();
});

it('`mtrl score` on the records gives the figures of an evaluation of the same rows', async () => {
  const task = 'pair-alignment';
  const rows = await worldRows(task, 12);
  const { scores, recipe } = await evaluatedOn(task, rows);
  await server.post('/v1/judge', { task, rows: rows.map(judgeRow) });
  // What is not an answer to each order is not read as one.
  await server.post('/v1/judge', { task, rows: rows.map(judgeRow), ordering: 'random', seed: 1 });
  const judgments = join(server.folder, 'audit', 'judgments', `${task}.jsonl`);
  const common = ['score', '--recipe', recipe, '--task', task, '--judgments', judgments, '--json'];
  const { judges } = JSON.parse((await runVerb([...common, '--verdict', 'answers'])).stdout) as {
    judges: { verdictCount: number; missingCount: number; scores: typeof scores }[];
  };
  const { macroF1, accuracy, consistencyRate, unparsableRate, confusion } = scores;
  expect(judges).toMatchObject([
    {
      ...{ verdictCount: 24, missingCount: 0 },
      scores: { macroF1, accuracy, consistencyRate, unparsableRate, confusion },
    },
  ]);
});
