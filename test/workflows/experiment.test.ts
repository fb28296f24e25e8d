import type { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../core/json.ts';
import { studioMemo } from '../../contract/studio-memo.ts';
import type { ExperimentProgress } from '../../contract/progress.ts';
import type { ExperimentResult } from '../../contract/workflows.ts';
import { useWorkflows } from './harness.ts';
import { type MadeUpRecipe, planOf, refTo } from './made-up-activities.ts';

const harness = useWorkflows();
let count = 0;

function start(recipe: MadeUpRecipe, memo?: Record<string, unknown>) {
  return harness.client.workflow.start<(recipe: unknown) => Promise<ExperimentResult>>('experiment', {
    workflowId: `experiment-${String(++count)}`,
    taskQueue: 'mtrl',
    args: [recipe],
    ...(memo && { memo }),
  });
}

const three: MadeUpRecipe = {
  runs: [
    planOf({ arm: 'base', objective: 'none', stepCount: 0 }),
    planOf({ arm: 'rl', objective: 'rl', stepCount: 2, from: 'sft/s0' }),
    planOf({ arm: 'sft', objective: 'sft', stepCount: 4, stepCountPerActivity: 2, rolloutShardCount: 0 }),
  ],
};

const attributesOf = async (workflowId: string): Promise<Record<string, unknown>> => {
  const { typedSearchAttributes } = await harness.client.workflow.getHandle(workflowId).describe();
  return Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
};

const detailsOf = async (workflowId: string): Promise<string> => {
  const handle = harness.client.workflow.getHandle(workflowId);
  const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  return currentDetails;
};

describe('an experiment', () => {
  it('runs its arms as children, an arm after the one it starts from, and evaluates each', async () => {
    const handle = await start(three);
    const result = await handle.result();
    const { calls } = harness.activities;
    expect(calls.indexOf('rollout 0 1/1')).toBeGreaterThan(calls.indexOf('snapshot 4 of 1'));
    expect(calls.filter((call) => call.startsWith('evaluate')).sort()).toEqual(
      ['base', 'rl', 'sft'].flatMap((arm) => [`evaluate ${arm} on known`, `evaluate ${arm} on unseen`]),
    );
    expect(calls.at(-1)).toBe('report 3');
    expect(calls.filter((call) => call.startsWith('keepEvaluations')).sort()).toEqual(
      ['base', 'rl', 'sft'].map((arm) => `keepEvaluations ${arm}/s0`),
    );
    // ingest, 2 imports, sft: mix + 2 updates + 2 snapshots, rl: mix + 2 x 3 + snapshot, 6 evaluations.
    expect(result.cache).toEqual({ hits: 0, misses: 22 });
  });

  it('trains and evaluates no more runs at the same time than its recipe allows', async () => {
    const handle = await start({ ...three, parallelRunCountMax: 1 });
    const result = await handle.result();
    expect(result.cache).toEqual({ hits: 0, misses: 22 });
    const { calls } = harness.activities;
    const arms = calls.flatMap((call) => (call.startsWith('evaluate ') ? [call.split(' ')[1]] : []));
    expect(arms).toEqual(['base', 'base', 'sft', 'sft', 'rl', 'rl']);
    // Each run is evaluated before the next begins, although that one was waiting first.
    expect(calls.indexOf('rollout 0 1/1')).toBeGreaterThan(calls.lastIndexOf('evaluate sft on unseen'));
  });

  it('links to the studio, itself and its runs, if whoever started it knew where that is', async () => {
    const one: MadeUpRecipe = { runs: [planOf({ arm: 'base', objective: 'none', stepCount: 0 })] };
    const [linked, plain] = await Promise.all([start(one, { [studioMemo]: 'http://127.0.0.1:8720/' }), start(one)]);
    await Promise.all([linked.result(), plain.result()]);
    const page = (view: string) => `(http://127.0.0.1:8720/#/e/${linked.workflowId}/${view}`;
    expect(await detailsOf(linked.workflowId)).toContain(`[rollouts]${page('rollouts')})`);
    const run = harness.client.workflow.getHandle(`${linked.workflowId}/base/s0`);
    expect(await (await run.describe()).staticDetails()).toContain(`[evaluation]${page('evaluation?run=base%2Fs0)')}`);
    expect(await detailsOf(plain.workflowId)).not.toContain('studio');
  });

  it('asks a specialist about its own tasks alone', async () => {
    const specialist = planOf({ arm: 'rl/unseen', objective: 'rl', stepCount: 1, evaluatedTasks: ['unseen'] });
    const handle = await start({ runs: [planOf({ arm: 'base', objective: 'none', stepCount: 0 }), specialist] });
    await handle.result();
    expect(harness.activities.calls.filter((call) => call.startsWith('evaluate ')).sort()).toEqual([
      ...['evaluate base on known', 'evaluate base on unseen', 'evaluate rl/unseen on unseen'],
    ]);
  });

  it("asks an arm's endpoint one task after the other, each told what those before it took", async () => {
    const theirs = planOf({ arm: 'theirs', objective: 'none', stepCount: 0, endpoint: refTo('theirs') });
    const handle = await start({ runs: [planOf({ arm: 'base', objective: 'none', stepCount: 0 }), theirs] });
    await handle.result();
    const { calls } = harness.activities;
    expect(calls).toContain('importPolicy');
    expect(calls.filter((call) => call.includes('theirs on'))).toEqual([
      'ask theirs on known after 0 answers',
      'ask theirs on unseen after 8 answers',
    ]);
    expect(calls.at(-1)).toBe('report 2');
  });

  it('imports no policy if all of its arms ask endpoints', async () => {
    const handle = await start({
      runs: [planOf({ arm: 'theirs', objective: 'none', stepCount: 0, endpoint: refTo('theirs') })],
    });
    await handle.result();
    expect(harness.activities.calls).toEqual([
      ...['prepare', 'ingest', 'ask theirs on known after 0 answers', 'ask theirs on unseen after 8 answers'],
      ...['keepEvaluations theirs/s0', 'report 1'],
    ]);
  });

  it('can be filtered in the Web UI, like its children', async () => {
    const handle = await start(three);
    await handle.result();
    const MtrlRecipeDigest = sha256(JSON.stringify(three));
    const common = { MtrlExperiment: handle.workflowId, MtrlRecipe: 'made-up', MtrlRecipeDigest, MtrlState: 'done' };
    expect(await attributesOf(handle.workflowId)).toMatchObject({ ...common, MtrlMacroF1: 0.75 });
    const run = { ...common, MtrlArm: 'rl', MtrlSeed: 0 };
    expect(await attributesOf(`${handle.workflowId}/rl/s0`)).toMatchObject({ ...run, MtrlStep: 2 });
    expect(await attributesOf(`${handle.workflowId}/rl/s0/evaluate`)).toMatchObject({ ...run, MtrlMacroF1: 0.75 });
    expect(await attributesOf(`${handle.workflowId}/base/s0`)).toMatchObject(common);
  });

  it('reports its progress and that of its runs, while it runs and afterwards', async () => {
    let during: ExperimentProgress | undefined;
    const handle = await start(three);
    harness.activities.before = async (call) => {
      if (call === 'snapshot 2 of 2') during = await handle.query<ExperimentProgress>('progress');
    };
    await handle.result();
    expect(during).toMatchObject({ state: 'training', stepCount: 6, runCount: 3, recipeName: 'made-up' });
    const after = await handle.query<ExperimentProgress>('progress');
    expect(after).toMatchObject({ state: 'done', step: 6, stepCount: 6, cache: { hits: 0, misses: 22 } });
    expect(after.runs.map(({ runName, state, step }) => [runName, state, step])).toEqual([
      ['base/s0', 'done', 0],
      ['rl/s0', 'done', 2],
      ['sft/s0', 'done', 4],
    ]);
    expect(after.evaluations).toHaveLength(3);
    expect(after.runs[1]).toMatchObject({ rewardLine: '▄▄' });
    expect(await detailsOf(handle.workflowId)).toContain(`mtrl report ${handle.workflowId} --open`);
  });

  it('fails with the code and message of the failed run, and cancels the others', async () => {
    const runs = [
      planOf({ arm: 'bad', objective: 'sft', stepCount: 2 }),
      planOf({ arm: 'endless', objective: 'sft', stepCount: 100_000, snapshotEveryStepCount: 1_000 }),
    ];
    harness.activities.before = async (call) => {
      if (call.startsWith('optimize endless')) await new Promise((resolve) => setTimeout(resolve, 20));
      if (call.startsWith('optimize bad 1'))
        throw ApplicationFailure.nonRetryable('the loss is not finite', 'NON_FINITE');
    };
    const handle = await start({ runs });
    const error: unknown = await handle.result().catch((failure: unknown) => failure);
    expect((error as WorkflowFailedError).cause).toMatchObject({
      type: 'NON_FINITE',
      message: 'bad/s0, step 1: the loss is not finite',
    });
    expect(await detailsOf(handle.workflowId)).toContain(
      '**failed** · `NON_FINITE`\n\n`` bad/s0, step 1: the loss is not finite ``',
    );
    const other = await harness.client.workflow.getHandle(`${handle.workflowId}/endless/s0`).describe();
    expect(other.status.name).toBe('CANCELLED');
    expect(await attributesOf(handle.workflowId)).toMatchObject({ MtrlState: 'failed' });
    expect(await attributesOf(`${handle.workflowId}/endless/s0`)).toMatchObject({ MtrlState: 'cancelled' });
  });

  it('cancels its runs when it is cancelled', async () => {
    const handle = await start({ runs: [planOf({ arm: 'endless', objective: 'sft', stepCount: 100_000 })] });
    harness.activities.before = async (call) => {
      if (call.startsWith('optimize')) await new Promise((resolve) => setTimeout(resolve, 20));
      if (call.startsWith('optimize endless 1-')) await handle.cancel();
    };
    const error: unknown = await handle.result().catch((failure: unknown) => failure);
    expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
    const run = await harness.client.workflow.getHandle(`${handle.workflowId}/endless/s0`).describe();
    expect(run.status.name).toBe('CANCELLED');
  });

  it('passes a pause on to its runs', async () => {
    const handle = await start({ runs: [planOf({ arm: 'rl', objective: 'grpo', stepCount: 3 })] });
    harness.activities.before = async (call) => {
      if (call === 'rollout 0 1/1') await handle.signal('pause');
    };
    const stateOfRun = async () => (await handle.query<ExperimentProgress>('progress')).runs[0]?.state;
    await expect.poll(stateOfRun).toBe('paused');
    await handle.signal('resume');
    await handle.result();
  });
});
