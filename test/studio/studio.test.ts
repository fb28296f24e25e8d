/** What the studio answers, of an experiment that was really made: held against its artifacts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { required } from '../../core/assert.ts';
import type {
  Comparison,
  ExperimentView,
  Failure,
  GroupView,
  History,
  JudgmentPage,
  LeakPage,
  LineageView,
  Matches,
  PromotionsView,
  QuarantinePage,
  RolloutPage,
} from '../../studio/api.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { recipeOf } from '../../pipeline/recipe-access.ts';
import { requireExperimentIndex } from '../../pipeline/reporting/experiment-index.ts';
import { openLibrary, type RunningExperiment, type RunningExperiments } from '../../studio/library.ts';
import { pathOf, type Values } from '../../studio/query.ts';
import { serveStudio, type Studio } from '../../studio/server/serve-studio.ts';
import { hostile, makeExperiment, smallSizes } from './made-experiment.ts';
import { promoteTwice } from './promoted.ts';

let folder = '';
let store: ArtifactStore;
let studio: Studio;
const id = 'small/demo';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-studio-'));
  store = new ArtifactStore(new FolderObjectStore(join(folder, 'store')));
  await makeExperiment(store, folder, { experimentId: id });
  studio = await serveStudio(openLibrary(store, join(folder, 'tokenizers')), { port: 0 });
});
afterAll(async () => {
  await studio.close();
  await rm(folder, { recursive: true, force: true });
});

async function ask(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(new URL(path, studio.address));
  return { status: response.status, body: await response.json() };
}

async function get<T>(what: string, values: Values = {}): Promise<T> {
  const { status, body } = await ask(pathOf(id, what, values));
  expect([status, body]).toEqual([200, body]);
  return body as T;
}

async function allRollouts(values: Values): Promise<RolloutPage['rows']> {
  const rows: RolloutPage['rows'][number][] = [];
  for (let after: string | undefined = '0.0'; after !== undefined;) {
    const page: RolloutPage = await get('rollouts', { ...values, after });
    rows.push(...page.rows);
    after = page.next;
  }
  return rows;
}

const run = 'mt-rl/s0';
const rolloutCount = smallSizes.stepCount * smallSizes.promptCountPerStep * smallSizes.groupSize;

describe('overview', () => {
  test('lists the experiment, and shows its runs with the scores of the index', async () => {
    expect((await ask('/api/experiments')).body).toMatchObject([{ experimentId: id, state: 'finished' }]);
    const view: ExperimentView = await get('');
    expect(view.runs.map(({ runName, series, algorithm }) => [runName, series, algorithm])).toEqual([
      ['base/s0', 0, undefined],
      ['mt-rl/s0', 1, 'GRPO'],
      ['mt-rl/s1', 1, 'GRPO'],
      ['dr-grpo/s0', 2, 'Dr. GRPO'],
      ['dr-grpo/s1', 2, 'Dr. GRPO'],
    ]);
    expect(view.dataset?.quarantinedCount).toBe(2);
    for (const each of view.runs)
      expect(each.scores.map(({ task }) => task).sort()).toEqual(['pair-alignment', 'safety', 'technical']);
  });
});

describe('rollouts', () => {
  test('come page by page, each once', async () => {
    const rows = await allRollouts({ run });
    const places = rows.map(({ step, prompt, rollout }) => `${String(step)} ${String(prompt)} ${String(rollout)}`);
    expect([rows.length, new Set(places).size]).toEqual([rolloutCount, rolloutCount]);
    expect(rows.every(({ images }) => images.length === 1)).toBe(true);
  });

  test('are filtered by step, task, verdict, reason, reward and text, and counted likewise', async () => {
    const all = await allRollouts({ run });
    const filters: readonly (readonly [Values, (row: RolloutPage['rows'][number]) => boolean])[] = [
      [{ step: 1 }, ({ step }) => step === 1],
      [{ task: 'safety' }, ({ task }) => task === 'safety'],
      [{ verdict: 'yes' }, ({ verdict }) => verdict === 'yes'],
      [{ reason: 'any' }, ({ verdict }) => verdict === null],
      [{ right: 'yes' }, ({ accuracy }) => accuracy === 1],
      [{ min: 0.05, max: 0.5 }, ({ reward }) => reward >= 0.05 && reward <= 0.5],
      [{ q: 'ANSWER> yes' }, ({ text }) => text.includes('answer> yes')],
    ];
    for (const [filter, holds] of filters) {
      const { step, ...anyStep } = filter;
      const expected = all.filter(holds);
      expect(await allRollouts({ run, ...filter }), JSON.stringify(filter)).toEqual(expected);
      if (step !== undefined) continue;
      const { matchCount, steps } = await get<Matches>('matches', { run, ...anyStep });
      expect([matchCount, steps.reduce((sum, each) => sum + each.matchCount, 0)]).toEqual([
        expected.length,
        expected.length,
      ]);
    }
    // Filters that leave nothing, or everything, would prove nothing.
    const sizes = filters.map(([, holds]) => all.filter(holds).length);
    expect(sizes.filter((size) => size > 0 && size < all.length).length).toBeGreaterThan(4);
  });

  test('stand side by side with the advantages of their algorithm, and tokens that make up their text', async () => {
    const rows = await allRollouts({ run });
    const rewards = (step: number, prompt: number) =>
      rows.flatMap((row) => (row.step === step && row.prompt === prompt ? [row.reward] : []));
    const uneven = required(
      rows.find(({ step, prompt }) => new Set(rewards(step, prompt)).size > 1),
      'a group with differing rewards',
    );
    const group: GroupView = await get('group', { run, step: uneven.step, prompt: uneven.prompt });
    const values = rewards(uneven.step, uneven.prompt);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (values.length - 1));
    group.rollouts.forEach(({ advantage, isTrained, tokens, text }, i) => {
      expect(advantage).toBeCloseTo(((values[i] ?? 0) - mean) / (deviation + 1e-4), 10);
      expect(isTrained).toBe(true);
      expect(tokens.map((token) => token.text).join('')).toBe(text);
    });
    expect(group.example.prompt.map((part) => Object.keys(part)[0])).toEqual(['text', 'image', 'text']);
  });
});

describe('evaluation', () => {
  test('the cells of the confusion matrix have as many answers as they say', async () => {
    const { runs } = await get<ExperimentView>('');
    const { confusion } = required(
      runs[0]?.scores.find(({ task }) => task === 'safety'),
      'scores',
    );
    const { labels, counts } = required(confusion, 'a confusion matrix');
    const columns = [...labels, 'unparsable'];
    for (const [i, label] of labels.entries())
      for (const [j, verdict] of columns.entries()) {
        const { matchCount, rows } = await get<JudgmentPage>('judgments', {
          run: 'base/s0',
          task: 'safety',
          label,
          verdict,
        });
        expect([matchCount, rows.length], `${label}, ${verdict}`).toEqual([counts[i]?.[j], counts[i]?.[j]]);
      }
  });

  test('order flips are the pairs whose orders choose different candidates', async () => {
    const { runs } = await get<ExperimentView>('');
    const scores = required(
      runs[1]?.scores.find(({ task }) => task === 'pair-alignment'),
      'scores',
    );
    const { matchCount } = await get<JudgmentPage>('judgments', { run, task: 'pair-alignment', flips: 'yes' });
    expect(matchCount / 2 / smallSizes.testCount).toBeCloseTo(1 - (scores.consistencyRate ?? NaN), 10);
  });

  test('two judges are compared row by row, disagreements first', async () => {
    const a = 'base/s0';
    const { counts, rows, disagreementCount }: Comparison = await get('comparison', { task: 'technical', a, b: run });
    expect(counts.both + counts.onlyA + counts.onlyB + counts.neither).toBe(rows.length);
    const differ = rows.map((row) => row.a.verdict !== row.b.verdict);
    expect(differ).toEqual([...differ].sort((x, y) => Number(y) - Number(x)));
    expect(differ.filter(Boolean)).toHaveLength(disagreementCount);
  });
});

test('the history of an example has all of its rollouts, of every run', async () => {
  const [{ exampleIndex }] = (await allRollouts({ run })) as [RolloutPage['rows'][number]];
  const { rollouts, example }: History = await get('history', { example: exampleIndex });
  const own = (await allRollouts({ run })).filter((row) => row.exampleIndex === exampleIndex);
  expect(rollouts.filter(({ runName }) => runName === run).map(({ text }) => text)).toEqual(
    own.map(({ text }) => text),
  );
  expect(example).toMatchObject({ exampleIndex, split: 'train' });
});

test('a running experiment shows what is stored so far, and comes first', async () => {
  const { runs, recipe } = await requireExperimentIndex(store, id);
  const { plan, checkpoint } = required(runs[1], 'a run');
  const { runName, arm, seed, stepCount } = plan;
  const progress = { state: 'training', runs: [{ runName, arm, seed, stepCount, checkpoint }] };
  const running: RunningExperiments = {
    list: () =>
      Promise.resolve([{ experimentId: 'live', status: 'RUNNING', progress } as unknown as RunningExperiment]),
    find: async (wanted) => (await running.list()).find(({ experimentId }) => experimentId === wanted),
    recipeOf: () => recipeOf(new JsonCache(store), recipe),
  };
  const live = await serveStudio(openLibrary(store, join(folder, 'live'), running), { port: 0 });
  try {
    const asked = async (path: string): Promise<unknown> => (await fetch(new URL(path, live.address))).json();
    expect(await asked('/api/experiments')).toMatchObject([
      { experimentId: 'live', state: 'training' },
      { experimentId: id, state: 'finished' },
    ]);
    expect(await asked(pathOf('live'))).toMatchObject({ state: 'training', runs: [{ runName, scores: [] }] });
    expect(await asked(pathOf('live', 'matches', { run: runName }))).toMatchObject({ rolloutCount });
    expect(await asked(pathOf('live', 'history', { example: 0 }))).toMatchObject({ answers: [] });
    expect(await asked(pathOf('gone'))).toMatchObject({ error: { code: 'NOT_FOUND' } });
  } finally {
    await live.close();
  }
});

test('shows quarantine, leaks and lineage', async () => {
  const quarantine: QuarantinePage = await get('quarantine');
  expect(quarantine.rows.map(({ code }) => code).sort()).toEqual(['IMAGE_MISSING', 'LABEL_UNKNOWN']);
  expect(JSON.stringify(quarantine.rows)).toContain('onerror');
  const leaks: LeakPage = await get('leaks');
  expect(leaks.rows.map(({ kind }) => kind)).toContain('image');
  const { tree }: LineageView = await get('lineage', { run });
  expect(tree.madeBy?.activity).toBe('snapshot');
});

test('shows what the gate of each promoted version measured, and the version that it was compared with', async () => {
  const gates = await promoteTwice(store, id);
  const { names } = (await ask('/api/promotions')).body as PromotionsView;
  expect(names).toMatchObject([{ name: 'taste', current: 2, events: [{ reason: expect.any(String) as string }, {}] }]);
  const versions = names[0]?.versions ?? [];
  expect(versions.map(({ runName, approvedBy, gate }) => [runName, approvedBy, gate])).toEqual(
    gates.map(({ passed, checks }, i) => [
      ...[`mt-rl/s${String(i)}`, 'anna'],
      { passed, checks, against: i === 0 ? null : 'taste@1' },
    ]),
  );
  // The gate of the second has compared: a rule more for each task.
  expect(gates[1]?.checks.length).toBeGreaterThan(gates[0]?.checks.length ?? 0);
  const view: ExperimentView = await get('');
  const scoresOf = (seed: number) => view.runs.find(({ runName }) => runName === `mt-rl/s${String(seed)}`)?.scores;
  versions.forEach(({ tasks }, i) => {
    expect(tasks).toMatchObject(
      (scoresOf(i) ?? []).map(({ task, macroF1, ci95, accuracy }, t) => ({
        ...{ task, candidate: { macroF1, ci95, accuracy } },
        ...(i === 1 && { current: { macroF1: scoresOf(0)?.[t]?.macroF1 } }),
      })),
    );
  });
  expect(versions[0]?.tasks.every(({ current }) => current === undefined)).toBe(true);
});

test('gives pictures, and nothing that a browser would run', async () => {
  const { rows }: JudgmentPage = await get('judgments', { run, task: 'safety' });
  const own = required(
    rows.find(({ exampleId }) => exampleId.includes(hostile)),
    'the row with hostile text',
  );
  const response = await fetch(new URL(`/pictures/${encodeURIComponent(id)}/${own.images[0] ?? ''}`, studio.address));
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  const page = await fetch(studio.address);
  expect(page.headers.get('content-security-policy')).not.toContain('unsafe');
  expect(await page.text()).not.toMatch(/<script(?! src="studio\.js" defer>)/);
});

describe('bad addresses get a message with the place, and the status that fits', () => {
  const ofExperiment = (what: string) => pathOf(id, what);
  test.each([
    [404, 'NOT_FOUND', '/api/experiments/deleted'],
    [404, 'NOT_FOUND', ofExperiment('group?run=mt-rl/s0&step=99&prompt=0')],
    [404, 'NOT_FOUND', ofExperiment('group?run=mt-rl/s0&step=0&prompt=99')],
    [404, 'NOT_FOUND', ofExperiment('rollouts?run=gone')],
    [404, 'NOT_FOUND', ofExperiment('judgments?run=mt-rl/s0&task=gone')],
    [404, 'NOT_FOUND', ofExperiment('history?example=99999')],
    [404, 'NOT_FOUND', `/pictures/${encodeURIComponent(id)}/abc`],
    [404, 'ARTIFACT_MISSING', `/pictures/${encodeURIComponent(id)}/${'0'.repeat(64)}`],
    [404, 'NOT_FOUND', '/api/constructor'],
    [404, 'NOT_FOUND', '/constructor'],
    [400, 'USAGE', ofExperiment('rollouts')],
    [400, 'USAGE', ofExperiment('rollouts?run=mt-rl/s0&step=-1')],
    [400, 'USAGE', ofExperiment('rollouts?run=mt-rl/s0&q=(')],
    [400, 'USAGE', ofExperiment('judgments?run=mt-rl/s0&task=safety&after=x')],
    [400, 'USAGE', '/api/experiments/%E0%A4%A'],
  ])('%i %s: %s', async (status, code, path) => {
    const found = await ask(path);
    const { error } = found.body as Failure;
    expect([found.status, error.code]).toEqual([status, code]);
    expect(error.message).not.toBe('');
  });

  test('a page elsewhere whose name leads to this machine is refused', async () => {
    const { port } = new URL(studio.address);
    const status = await new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path: '/api/experiments', headers: { host: 'evil.test' } });
      asked.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
      asked.end();
    });
    expect(status).toBe(400);
  });

  test('labels are refused unless they were asked for', async () => {
    const body = JSON.stringify({ task: 'safety', exampleIndex: 0, label: 'yes', order: 'random' });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(new URL(pathOf(id, 'labels'), studio.address), { method: 'POST', body, headers });
    expect([response.status, ((await response.json()) as Failure).error.hint]).toEqual([
      400,
      'start it with `mtrl studio --label`',
    ]);
  });
});
