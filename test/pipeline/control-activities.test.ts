import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createControlActivities } from '../../activities/control.ts';
import type { RolloutShard, StepRewards } from '../../pipeline/training/rollout-artifact.ts';
import { openDataset } from '../../pipeline/data/dataset-artifact.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { plannedStep } from '../../pipeline/data/mixture-plan.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { required } from '../../core/assert.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';

let root: string;
let store: ArtifactStore;
const environment = new MockActivityEnvironment({}, { logger: silentLogger });

function runActivity<I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> {
  return environment.run<[I], R, (input: I) => Promise<R>>(activity, input);
}

const activities = (codeVersion = 'code 1') =>
  createControlActivities({ store, codeVersion: () => codeVersion, log: pino({ level: 'silent' }) });

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-control-'));
  store = new ArtifactStore(new FolderObjectStore(root));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function ingested(codeVersion?: string) {
  const { prepare, ingest } = activities(codeVersion);
  const prepared = await runActivity(prepare, { recipe: tinyRecipe({ sftStepCount: 4, grpoStepCount: 4 }) });
  return { prepared, ingestion: await runActivity(ingest, { recipe: prepared.recipe }) };
}

it('refuses an invalid recipe from Temporal like one from a file: coded, with the path, not retryable', async () => {
  const wrong = { ...tinyRecipe({ sftStepCount: 4, grpoStepCount: 4 }), arms: { rl: { objective: 'gpro' } } };
  const unstorable = { recipe: tinyRecipe({ sftStepCount: 4, grpoStepCount: 4 }), experimentId: 'é'.repeat(100) };
  await expect(runActivity(activities().prepare, unstorable)).rejects.toMatchObject({
    type: 'USAGE',
    nonRetryable: true,
  });
  await expect(runActivity(activities().prepare, { recipe: wrong })).rejects.toMatchObject({
    type: 'RECIPE_INVALID',
    nonRetryable: true,
    message: expect.stringContaining('arms.rl') as string,
  });
});

it('returns a cached ingestion, and repeats it if the code changed', async () => {
  const first = await ingested();
  const second = await ingested();
  const other = await ingested('code 2');
  expect(first.ingestion).toMatchObject({ cached: false, exampleCount: 48 + 18, quarantinedCount: 0 });
  expect(second.ingestion).toMatchObject({ cached: true, computeMs: 0, dataset: first.ingestion.dataset });
  expect(other.ingestion.cached).toBe(false);
  expect(other.ingestion.dataset.sha256).toBe(first.ingestion.dataset.sha256);
});

it('plans further steps for a run with a changed budget, and the same ones before them', async () => {
  const { prepared, ingestion } = await ingested();
  const runRef = { recipe: prepared.recipe, dataset: ingestion.dataset, arm: 'sft-start', seed: 0 };
  const plans = await Promise.all(
    [runRef, { ...runRef, stepCount: 7 }].map(async (input) => {
      const { plan } = await runActivity(activities().mix, input);
      return plan;
    }),
  );
  const cache = new JsonCache(store);
  const [asWritten, further] = [required(plans[0], 'a plan'), required(plans[1], 'a plan')];
  for (let step = 0; step < 4; step++)
    expect(await plannedStep(cache, further, step)).toEqual(await plannedStep(cache, asWritten, step));
  expect((await plannedStep(cache, further, 6)).rows).toHaveLength(16);
  await expect(plannedStep(cache, asWritten, 4)).rejects.toThrow(/step 4 is not one of the 4 from 0 on/);
});

it('rewards correct verdicts, and records why the others are worth nothing', async () => {
  const { prepared, ingestion } = await ingested();
  const dataset = await openDataset(new JsonCache(store), ingestion.dataset);
  const [first] = await dataset.examplesAt([0]);
  const { id, task, label } = required(first, 'an example');
  const rollout = (text: string) => ({ tokenIds: [1], logProbs: [0], finishReason: 'stop' as const, text });
  const wrongLabel = label === 'yes' ? 'no' : 'yes';
  const shard: RolloutShard = {
    schema: 1,
    step: 0,
    shard: { index: 0, count: 1 },
    prompts: [
      {
        ...{ exampleIndex: 0, exampleId: id, task, promptTokenCount: 1 },
        rollouts: [`<answer> ${label} </answer>`, `<answer> ${wrongLabel} </answer>`, label].map(rollout),
      },
    ],
  };
  const { recipe } = prepared;
  const runRef = { recipe, dataset: ingestion.dataset, arm: 'mt-rl', seed: 0 };
  const result = await runActivity(activities().reward, { ...runRef, step: 0, rollouts: [await store.putJson(shard)] });
  const { prompts } = (await store.getJson(result.rewards)) as StepRewards;
  expect(prompts[0]?.rollouts.map(({ reward }) => reward)).toEqual([
    { value: 1, accuracy: 1, format: 1 },
    { value: 0.1, accuracy: 0, format: 1 },
    { value: 0, accuracy: 0, format: 0, unparsable: 'verdict-missing' },
  ]);
  expect(result).toMatchObject({ informativeGroupRate: 1, accuracyMean: 1 / 3, formatRate: 2 / 3 });
  expect(result.byTask).toEqual([expect.objectContaining({ task, rolloutCount: 3 })]);
});
