/** Labels of people: kept with who and when, blind until they are given, and exported as rows that ingestion takes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Readable } from 'node:stream';
import { createControlActivities } from '../../activities/control.ts';
import { collectGarbage } from '../../artifacts/collection/garbage.ts';
import { experimentKey } from '../../artifacts/experiments.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import type { EvaluatedRun } from '../../contract/activities.ts';
import { openDataset } from '../../pipeline/data/dataset-artifact.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { requireExperimentIndex } from '../../pipeline/reporting/experiment-index.ts';
import type { Snapshot } from '../../pipeline/policies/snapshot-artifact.ts';
import type { AgreementView, Failure, GivenLabel, LabelAnswer, QueueView } from '../../studio/api.ts';
import { labelsOf } from '../../studio/labels/label-store.ts';
import { openLibrary } from '../../studio/library.ts';
import { pathOf, type Values } from '../../studio/query.ts';
import { serveStudio, type Studio } from '../../studio/server/serve-studio.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { judgedEvaluation } from '../support/judged-evaluation.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { planOf, refTo } from '../workflows/made-up-activities.ts';

let root = '';
let store: ArtifactStore;
let studios: Studio[] = [];
const id = 'labelled';
const environment = new MockActivityEnvironment({}, { logger: silentLogger });

function runActivity<I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> {
  return environment.run<[I], R, (input: I) => Promise<R>>(activity, input);
}

const control = () => createControlActivities({ store, codeVersion: () => 'code 1', log: pino({ enabled: false }) });

/** Two judges that differ on two of the six test examples of `safety`. */
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-labels-'));
  store = new ArtifactStore(new FolderObjectStore(join(root, 'store')));
  const { prepare, ingest, report } = control();
  const { recipe } = await runActivity(prepare, { recipe: tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 }) });
  const ingestion = await runActivity(ingest, { recipe });
  const runs = await Promise.all(
    (['base', 'mt-rl'] as const).map(async (arm, i) => {
      const checkpoint = refTo(`checkpoint of ${arm}`);
      const untrained: Snapshot = { schema: 1, step: 0, checkpoint, optimizer: null, records: [], previous: null };
      const evaluated: EvaluatedRun = {
        ...{ plan: planOf({ arm, objective: 'none' }), checkpoint },
        ...{ policy: { snapshot: await store.putJson(untrained), log: [] }, wallMs: 1, computeMs: 1, stages: [] },
        evaluations: [await judgedEvaluation(store, ingestion.dataset, 3 + 2 * i)],
      };
      return store.putJson(evaluated);
    }),
  );
  const input = { experimentId: id, recipe, ingestion, runs, cache: { hits: 0, misses: 0 }, wallMs: 1 };
  await runActivity(report, input);
});
afterEach(async () => {
  await Promise.all(studios.map((studio) => studio.close()));
  studios = [];
  await rm(root, { recursive: true, force: true });
});

async function studioOf(labeller: string) {
  const studio = await serveStudio(openLibrary(store, join(root, labeller)), { port: 0, labeller });
  studios.push(studio);
  const ask = async (what: string, values: Values = {}, init: RequestInit = {}) => {
    const response = await fetch(new URL(pathOf(id, what, values), studio.address), init);
    const body = await response.text();
    return { status: response.status, body };
  };
  return {
    ask,
    next: async (order: string, skip = 0) =>
      JSON.parse((await ask('queue', { task: 'safety', order, skip })).body) as QueueView,
    give: (given: Partial<GivenLabel>, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
      ask(
        'labels',
        {},
        { method: 'POST', headers, body: JSON.stringify({ task: 'safety', order: 'random', ...given }) },
      ),
  };
}

async function idsInOrder(next: (order: string, skip: number) => Promise<QueueView>, order: string): Promise<string[]> {
  const views = await Promise.all([0, 1, 2, 3, 4, 5].map((skip) => next(order, skip)));
  return views.map(({ example }) => example?.exampleId ?? '');
}

test('the queue is blind, has each example once, and begins with disagreements if it is to', async () => {
  const { next } = await studioOf('anna');
  const orders = await Promise.all(['random', 'disagreement'].map((order) => idsInOrder(next, order)));
  for (const ids of orders) expect(new Set(ids).size).toBe(6);
  expect(await idsInOrder(next, 'random')).toEqual(orders[0]);
  // The judges differ on the fourth and fifth of the split.
  const dataset = await openDataset(new JsonCache(store), (await requireExperimentIndex(store, id)).ingestion.dataset);
  const rows = await dataset.rowsOf('safety', 'test');
  const differing = (await dataset.examplesAt(rows.subarray(3, 5))).map((example) => example.id);
  expect(orders[1]?.slice(0, 2).sort()).toEqual(differing.sort());
  const { example } = await next('random');
  expect(Object.keys(example ?? {}).sort()).toEqual(['exampleId', 'exampleIndex', 'prompt', 'split', 'task']);
});

test('a label is kept with who, when and how it was chosen; another of the same person keeps the earlier one', async () => {
  const { ask, next, give } = await studioOf('anna');
  const { exampleIndex = -1 } = (await next('uncertainty')).example ?? {};
  const first = await give({ exampleIndex, label: 'yes', order: 'uncertainty', note: 'blurred' });
  const { answers } = JSON.parse(first.body) as LabelAnswer;
  expect(answers.map(({ runName }) => runName)).toEqual(['base/s0', 'mt-rl/s0']);
  await give({ exampleIndex, label: 'yes', order: 'uncertainty', note: 'blurred' });
  await give({ exampleIndex, label: 'no', order: 'random' });
  const [kept, ...others] = await labelsOf(store, id, 'safety');
  expect(others).toEqual([]);
  expect(kept).toMatchObject({
    label: 'no',
    by: 'anna',
    order: 'uncertainty',
    exampleIndex,
    earlier: [{ label: 'yes' }],
  });
  expect(Date.parse(kept?.at ?? '')).not.toBeNaN();
  expect((await next('uncertainty')).labelledCount).toBe(1);
  // The first was given in sight of no verdict.
  const { people } = JSON.parse((await ask('labels.jsonl', { task: 'safety' })).body) as { people: object[] };
  expect(people).toMatchObject([{ label: 'no', first: { label: 'yes' } }]);
});

test('agreement is counted from examples that were chosen at random alone', async () => {
  const { next, give, ask } = await studioOf('anna');
  const chosen = (await next('disagreement')).example?.exampleIndex ?? -1;
  await give({ exampleIndex: chosen, label: 'yes', order: 'disagreement' });
  const random = (await next('random')).example?.exampleIndex ?? -1;
  const { answers } = JSON.parse((await give({ exampleIndex: random, label: 'yes' })).body) as LabelAnswer;
  const view = JSON.parse((await ask('agreement', { task: 'safety' })).body) as AgreementView;
  expect([view.labelCount, view.randomCount, view.people]).toEqual([2, 1, 1]);
  expect(view.runs.map(({ count, agreedCount }) => [count, agreedCount])).toEqual(
    answers.map(({ judgment }) => [1, Number(judgment.ok && judgment.verdict === 'yes')]),
  );
  // Changed in sight of the verdicts: the first label counts.
  await give({ exampleIndex: random, label: 'no' });
  expect((JSON.parse((await ask('agreement', { task: 'safety' })).body) as AgreementView).runs).toEqual(view.runs);
});

test('labels of two people become rows with votes and pictures, which ingestion takes', async () => {
  const [anna, ben] = [await studioOf('anna'), await studioOf('ben')];
  for (const skip of [0, 1, 2]) {
    const { exampleIndex = -1 } = (await ben.next('random', skip)).example ?? {};
    await anna.give({ exampleIndex, label: skip === 0 ? 'no' : 'yes' });
    if (skip > 0) await ben.give({ exampleIndex, label: skip === 1 ? 'yes' : 'no' });
  }
  // What was labelled outlives its experiment, and a collection of everything that nothing refers to.
  await store.objects.remove([experimentKey(id)]);
  const { garbage } = await collectGarbage(new ArtifactStore(new FolderObjectStore(join(root, 'store'))), {
    ...{ dryRun: false, forgotten: new Set<string>(), youngSinceMs: () => Promise.resolve(Date.now() + 3_600_000) },
    runningRoots: () => Readable.from([]),
  });
  expect(garbage.objectCount).toBeGreaterThan(0);
  const { status, body } = await (await studioOf('carl')).ask('labels.jsonl', { task: 'safety' });
  expect(status).toBe(200);
  await writeFile(join(root, 'labels.jsonl'), body);
  const tiny = tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 });
  const labelled = {
    ...{ reader: 'jsonl', task: 'safety', split: 'train', path: join(root, 'labels.jsonl') },
    fields: { id: 'example_id', group: 'example_group', images: ['example_images.*'], votes: 'people_votes' },
  };
  const { recipe } = await runActivity(control().prepare, {
    recipe: { ...tiny, quarantineRateMax: 0.5, datasets: [...tiny.datasets, labelled] },
  });
  const ingested = await runActivity(control().ingest, { recipe });
  // One `no`, one `yes` of two people, and one row on which they differ.
  expect([ingested.exampleCount, ingested.quarantinedCount]).toEqual([48 + 18 + 2, 1]);
});

test('what is no label, comes from elsewhere or was edited by hand is refused with what is wrong', async () => {
  const { next, give, ask } = await studioOf('anna');
  const { exampleIndex = -1 } = (await next('random')).example ?? {};
  const problem = async (answer: Promise<{ body: string }>) => (JSON.parse((await answer).body) as Failure).error;
  expect(await problem(give({ exampleIndex, label: 'perhaps' }))).toMatchObject({ code: 'USAGE', hint: 'yes, no' });
  expect(await problem(give({ exampleIndex: 99_999, label: 'yes' }))).toMatchObject({ code: 'NOT_FOUND' });
  expect(await problem(give({ label: 'yes' }))).toMatchObject({ message: 'the body is no label' });
  expect(await problem(give({ exampleIndex, label: 'yes', note: 'x'.repeat(70_000) }))).toMatchObject({
    code: 'USAGE',
  });
  const foreign = { 'content-type': 'application/json', origin: 'http://elsewhere' };
  expect(await problem(give({ exampleIndex, label: 'yes' }, foreign))).toMatchObject({
    where: 'the headers Origin and Content-Type',
  });
  expect(await problem(give({ exampleIndex, label: 'yes' }, { 'content-type': 'text/plain' }))).toMatchObject({
    code: 'USAGE',
  });
  expect(await labelsOf(store, id, 'safety')).toEqual([]);

  await give({ exampleIndex, label: 'yes' });
  for await (const { key } of store.objects.list('labels/'))
    await store.objects.put(key, Buffer.from('{"label": "yes"}'));
  expect(await problem(ask('agreement', { task: 'safety' }))).toMatchObject({ code: 'ARTIFACT_CORRUPT' });
});
