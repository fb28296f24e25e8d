/** What is exported of a step, worked by hand: 2 prompts of one task and 1 of another, each with 2 rollouts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { memoize } from '../../artifacts/manifest.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { metricsCsv, newestLines } from '../../cli/show/metrics.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import type { RlUpdate, StepRecord } from '../../pipeline/policies/step-record.ts';
import { curveOf } from '../../pipeline/reporting/report-curve.ts';
import { metricsOfRecords } from '../../pipeline/reporting/step-metrics.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-step-metrics-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const store = new ArtifactStore(new FolderObjectStore(folder));

const task = { labels: ['yes', 'no'], prompt: '', ood: false };
const tasks = {
  safe: { ...task, kind: 'pointwise' },
  order: { ...task, kind: 'ranking', labels: ['A', 'B'] },
};
const judged = (verdict: string | undefined, value: number, parts: object = {}) => ({
  judgment: verdict === undefined ? { ok: false, reason: 'verdict-missing' } : { ok: true, verdict, rationale: '' },
  reward: { value, accuracy: value === 1 ? 1 : 0, format: verdict === undefined ? 0 : 1, ...parts },
});
const rollout = (length: number, finishReason: string) => ({
  ...{
    tokenIds: Array.from({ length }, () => 1),
    logProbs: Array.from({ length }, () => -0.5),
    text: '',
    finishReason,
  },
});

/** Stores the value as the output of an activity that took two seconds. */
async function made(activity: string, value: unknown, summary: object = {}): Promise<ArtifactRef> {
  const work = { activity, codeVersion: '1', inputs: {}, config: {}, environment: {} };
  const { manifest } = await memoize(store, work, async () => ({
    ...{ outputs: { value: await store.putJson(value) }, summary, computeMs: 2_000 },
  }));
  const ref = manifest.outputs['value'];
  if (ref === undefined) throw new Error('one output was stored');
  return ref;
}

async function recordOf(steps: readonly object[]): Promise<ArtifactRef> {
  const place = { exampleIndex: 0, exampleId: 'e' };
  const rewards = await store.putJson({
    ...{ schema: 1, step: 7 },
    prompts: [
      { ...place, task: 'safe', label: 'yes', rollouts: [judged('yes', 1), judged('no', 0.25)] },
      { ...place, task: 'safe', label: 'no', rollouts: [judged('yes', 0.25), judged(undefined, 0)] },
      {
        ...{ ...place, task: 'order', label: 'B > A' },
        rollouts: [judged('A > B', 0.5, { closeness: 0.5 }), judged('A > B', 0.5, { closeness: 0 })],
      },
    ],
  });
  const prompts = [
    { ...place, task: 'safe', promptTokenCount: 3, rollouts: [rollout(2, 'stop'), rollout(4, 'stop')] },
    { ...place, task: 'safe', promptTokenCount: 3, rollouts: [rollout(2, 'stop'), rollout(8, 'length')] },
    { ...place, task: 'order', promptTokenCount: 3, rollouts: [rollout(1, 'stop'), rollout(3, 'stop')] },
  ];
  const counts = { rolloutCount: 6, tokenCount: 20, entropyMean: 0.5 };
  const shard = await made('rollout', { schema: 1, step: 7, shard: { index: 0, count: 1 }, prompts }, counts);
  const update = { objective: 'grpo', step: 7, rewards, rollouts: [shard], prompting: { tasks, modeWords: {} } };
  return made('optimize', { schema: 1, update, steps });
}

const outcome = { loss: 0.5, gradientNorm: 2, learningRate: 1e-4, tokenCount: 50, logProbDifferenceMax: 1e-6 };
const compared = { samplerKlMean: 5e-13, klMean: 0.01 };

test('a step of rollouts has rewards and their parts, verdicts against labels by task, lengths, entropy and speed', async () => {
  const updates = {
    ratio: { count: 40, mean: 1.01, max: 1.5, clippedShare: 0.1 },
    pairs: { count: 2, margin: -0.5, accuracy: 0.5 },
    updates: [],
  };
  const ref = await recordOf([{ step: 7, ...outcome, ...updates, ...compared, droppedGroupCount: 1 }]);
  expect(await metricsOfRecords(store, [ref])).toEqual([
    {
      step: 7,
      values: {
        ...{ rewardMean: 2.5 / 6, accuracyMean: 1 / 6, formatRate: 5 / 6, informativeGroupRate: 2 / 3, groupCount: 3 },
        closeness: 0.25,
        ...{ 'reward/safe': 0.375, 'accuracy/safe': 0.25, 'format/safe': 0.75 },
        ...{ 'verdicts/safe/yes': 2, 'verdicts/safe/no': 1, 'labels/safe/yes': 2, 'labels/safe/no': 2 },
        ...{ 'reward/order': 0.5, 'accuracy/order': 0, 'format/order': 1 },
        // A ranking counts as its first place.
        ...{ 'verdicts/order/A': 2, 'labels/order/B': 2 },
        ...{ rolloutCount: 6, completionTokenMean: 20 / 6, completionTokenMax: 8, truncatedRate: 1 / 6 },
        ...{ entropyMean: 0.5, rolloutTokensPerSecond: 10 },
        // Whatever the update recorded.
        ...{ ...outcome, ...compared, droppedGroupCount: 1 },
        ...{ ratioCount: 40, ratioMean: 1.01, ratioMax: 1.5, ratioClippedShare: 0.1 },
        ...{ pairCount: 2, pairMargin: -0.5, pairAccuracy: 0.5 },
        updateTokensPerSecond: 25,
      },
    },
  ]);
});

test('the curves of a report have entropy and length without reading rollouts, and the share of one verdict by task', async () => {
  const cache = new JsonCache(store);
  const pairs = { count: 2, margin: -0.5, accuracy: 0.5 };
  const record = (await store.getJson(await recordOf([{ step: 7, ...outcome, ...compared, pairs }]))) as StepRecord;
  const [point] = await curveOf(cache, [record]);
  expect(point).toMatchObject({ entropy: 0.5, completionTokenCount: 20 / 6, ...compared, reward: 2.5 / 6 });
  expect(point).toMatchObject({ pairCount: 2, pairMargin: -0.5, pairAccuracy: 0.5, closeness: 0.25 });
  expect(point).toMatchObject({ rolloutTokensPerSecond: 10 });
  expect(point?.byTask?.map(({ task, commonVerdictRate }) => [task, commonVerdictRate])).toEqual([
    ['order', 1],
    ['safe', 2 / 3],
  ]);
  // Rollouts of an earlier version do not say which activity made them.
  const { update, ...rest } = record as StepRecord & { update: RlUpdate };
  const rollouts = update.rollouts.map(({ producer: _, ...ref }) => ref);
  const [bare] = await curveOf(cache, [{ ...rest, update: { ...update, rollouts } }]);
  expect(bare).not.toHaveProperty('entropy');
});

test('supervised steps have what their updates recorded', async () => {
  const steps = [0, 1].map((step) => ({ step, ...outcome, loss: 1 - step / 2 }));
  const ref = await store.putJson({ schema: 1, update: { objective: 'sft', steps: [] }, steps });
  expect(await metricsOfRecords(store, [ref])).toEqual([
    { step: 0, values: { ...outcome, loss: 1 } },
    { step: 1, values: outcome },
  ]);
});

test('CSV has a row a step and a column a value; any label can be a column', () => {
  const steps = [
    { run: 'rl/s0', step: 0, values: { loss: 0.5, 'verdicts/a/yes, "sure"': 3 } },
    { run: 'sft/s0', step: 0, values: { loss: 1e-7 } },
  ];
  expect(metricsCsv(steps)).toBe('run,step,loss,"verdicts/a/yes, ""sure"""\nrl/s0,0,0.5,3\nsft/s0,0,1e-7,');
  expect(newestLines([...steps, { run: 'rl/s0', step: 1, values: { loss: 0.123456 } }])).toEqual([
    ...['rl/s0  step 1', '  loss  0.1235', 'sft/s0  step 0', '  loss  1.000e-7'],
  ]);
});
