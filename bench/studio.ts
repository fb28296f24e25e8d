/**
 * The studio on 100,000 rollouts with pictures: what its server takes for the first view, for pages, and for filters over
 * all steps. The rollouts are made up; everything else is as a run leaves it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { createControlActivities } from '../activities/control.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../artifacts/store/folder-object-store.ts';
import type { Json } from '../core/json.ts';
import { Rng } from '../core/rng.ts';
import type { EvaluatedRun } from '../contract/activities.ts';
import type { Example } from '../judge/example.ts';
import { openDataset } from '../pipeline/data/dataset-artifact.ts';
import { JsonCache } from '../pipeline/json-cache.ts';
import { putExperimentIndex } from '../pipeline/reporting/experiment-index.ts';
import { openLibrary } from '../studio/library.ts';
import { pathOf, type Values } from '../studio/query.ts';
import { serveStudio } from '../studio/server/serve-studio.ts';
import { tinyRecipe } from '../test/end-to-end/tiny-recipe.ts';
import { planOf } from '../test/workflows/made-up-activities.ts';
import { median } from './statistics.ts';

const shape = { stepCount: 313, promptCount: 40, groupSize: 8, tokenCount: 60 };
const id = 'bench';
const run = 'mt-rl/s0';

export async function bench(log: (line: string) => void): Promise<{ readonly [key: string]: Json }> {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-bench-studio-'));
  try {
    const store = new ArtifactStore(new FolderObjectStore(join(folder, 'store')), { cacheByteLengthMax: 0 });
    await makeExperiment(store);
    log('the experiment is made');
    const before = process.memoryUsage().rss;
    const studio = await serveStudio(openLibrary(store, join(folder, 'tokenizers')), { port: 0 });
    const timed = async (paths: readonly string[]): Promise<number> => {
      const startedAtMs = performance.now();
      for (const path of paths) await (await fetch(new URL(path, studio.address))).arrayBuffer();
      return performance.now() - startedAtMs;
    };
    const path = (what = '', values: Values = {}) => pathOf(id, what, values);
    const firstViewMs = await timed(['/', '/studio.css', '/studio.js', '/api/settings', path()]);
    const curvesMs = await timed([path('curves')]);
    const pages = [];
    for (const step of [5, 50, 100, 150, 200, 250, 300]) pages.push(await timed([path('rollouts', { run, step })]));
    const tableMs = await timed([path('matches', { run })]);
    const filters = [];
    for (const filter of [
      { q: 'word7 .* word9' },
      { verdict: 'yes' },
      { reason: 'any' },
      { min: 0.5, q: 'word1' },
      { task: 'technical' },
    ])
      filters.push(await timed([path('rollouts', { run, ...filter })]));
    const counts = [];
    for (const filter of [{ q: 'word7 .* word9' }, { verdict: 'yes' }, { right: 'no' }])
      counts.push(await timed([path('matches', { run, ...filter })]));
    const serverMemoryGrowthByteLength = process.memoryUsage().rss - before;
    await studio.close();
    return {
      rolloutCount: shape.stepCount * shape.promptCount * shape.groupSize,
      ...{ firstViewMs, curvesMs, pageMs: median(pages), pageMsMax: Math.max(...pages) },
      ...{ tableMs, filterMs: median(filters), filterMsMax: Math.max(...filters), countMs: median(counts) },
      serverMemoryGrowthByteLength,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function runActivity<I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> {
  return new MockActivityEnvironment().run<[I], R, (input: I) => Promise<R>>(activity, input);
}

async function makeExperiment(store: ArtifactStore): Promise<void> {
  const { prepare, ingest } = createControlActivities({
    ...{ store, codeVersion: () => 'code', log: pino({ enabled: false }) },
  });
  const tiny = tinyRecipe({ sftStepCount: 1, grpoStepCount: shape.stepCount });
  const { recipe } = await runActivity(prepare, { recipe: tiny });
  const ingestion = await runActivity(ingest, { recipe });
  const opened = await openDataset(new JsonCache(store), ingestion.dataset);
  const rows = [...(await opened.rowsOf('safety', 'train')), ...(await opened.rowsOf('technical', 'train'))];
  const examples = await opened.examplesAt(rows);
  const log: ArtifactRef[] = [];
  for (let step = 0; step < shape.stepCount; step++)
    log.push(await recordOf(store, step, ingestion.dataset, rows, examples));
  const snapshot = await store.putJson({
    schema: 1,
    step: 0,
    checkpoint: recipe,
    optimizer: null,
    records: [],
    previous: null,
  });
  const evaluated: EvaluatedRun = {
    ...{ plan: planOf({ arm: 'mt-rl', objective: 'rl', stepCount: shape.stepCount }), checkpoint: recipe },
    ...{ policy: { snapshot, log }, wallMs: 1, computeMs: 1, stages: [], evaluations: [] },
  };
  await putExperimentIndex(store, {
    ...{ schema: 1, experimentId: id, recipe, ingestion, runs: [evaluated], report: recipe, wallMs: 1 },
    cache: { hits: 0, misses: 0 },
  });
}

async function recordOf(
  store: ArtifactStore,
  step: number,
  dataset: ArtifactRef,
  rows: readonly number[],
  examples: readonly Example[],
): Promise<ArtifactRef> {
  const rng = new Rng('bench-studio', step);
  const places = Array.from({ length: shape.promptCount }, (_, i) => (step * shape.promptCount + i) % rows.length);
  const prompts = places.map((place) => {
    const { id: exampleId = '', task = '' } = examples[place] ?? {};
    return { exampleIndex: rows[place] ?? 0, exampleId, task };
  });
  const rollouts = prompts.map(() =>
    Array.from({ length: shape.groupSize }, () => {
      const words = Array.from({ length: shape.tokenCount }, () => Math.floor(rng.uniform() * 100));
      const verdict = rng.uniform() < 0.5 ? 'yes' : 'no';
      return {
        ...{ tokenIds: words, logProbs: words.map((word) => -word / 97), finishReason: 'stop' },
        ...{ verdict, text: `${words.map((word) => `word${String(word)}`).join(' ')} <answer> ${verdict} </answer>` },
      };
    }),
  );
  const shard = await store.putJson({
    ...{ schema: 1, step, shard: { index: 0, count: 1 } },
    prompts: prompts.map((prompt, i) => ({
      ...{ ...prompt, promptTokenCount: 9 },
      rollouts: (rollouts[i] ?? []).map(({ verdict: _, ...rollout }) => rollout),
    })),
  });
  const rewards = await store.putJson({
    ...{ schema: 1, step },
    prompts: prompts.map((prompt, i) => ({
      ...{ ...prompt, label: 'yes' },
      rollouts: (rollouts[i] ?? []).map(({ verdict, text }) => {
        const accuracy = Number(verdict === 'yes');
        return { judgment: { ok: true, verdict, rationale: text }, reward: { value: accuracy, accuracy, format: 1 } };
      }),
    })),
  });
  const outcome = { step, loss: 0, gradientNorm: 1, learningRate: 1e-4, tokenCount: 1, logProbDifferenceMax: 0 };
  const update = { objective: 'grpo', step, dataset, rollouts: [shard], rewards, mode: 'think', temperature: 1 };
  return store.putJson({ schema: 1, update, steps: [{ ...outcome, droppedGroupCount: 0 }], weightsDigest: 'x' });
}
