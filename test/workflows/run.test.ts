import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import type { ArmPlan } from '../../contract/activities.ts';
import type { RunProgress } from '../../contract/progress.ts';
import { useWorkflows } from './harness.ts';
import { planOf, refTo } from './made-up-activities.ts';
import { startRun } from './start-run.ts';

const harness = useWorkflows();
const start = (plan: ArmPlan) => startRun(harness.client, plan);

describe('a run', () => {
  it('makes each GRPO step as rollouts, reward, update, with snapshots when due and at the end', async () => {
    const plan = planOf({ arm: 'rl', objective: 'grpo', stepCount: 3 });
    const { summary, cache } = await (await start(plan)).result();
    expect(harness.activities.calls).toEqual([
      'mix rl',
      ...['rollout 0 1/1', 'reward 0 of 1', 'optimize rl 0-1 after 0'],
      ...['rollout 1 1/1', 'reward 1 of 1', 'optimize rl 1-2 after 1', 'snapshot 2 of 2'],
      ...['rollout 2 1/1', 'reward 2 of 1', 'optimize rl 2-3 after 0', 'snapshot 3 of 1'],
    ]);
    expect(summary.policy).toEqual({ snapshot: refTo('snapshot 3'), log: [] });
    expect(summary.checkpoint).toEqual(refTo('snapshot 3 checkpoint'));
    expect(cache).toEqual({ hits: 0, misses: 12 });
    expect(summary.stages).toContainEqual({ activity: 'rollout', count: 3, cachedCount: 0, computeMs: 3 });
  });

  it('makes a step in one activity if its plan says so, with the same progress and costs', async () => {
    const parted = planOf({ arm: 'rl', objective: 'rl', stepCount: 3, usesReference: true });
    const first = await (await start(parted)).result();
    const calls = [...harness.activities.calls];
    const handle = await start({ ...parted, stepInOneActivity: true });
    const second = await handle.result();
    expect(harness.activities.calls.slice(calls.length)).toEqual(calls);
    const { events } = await handle.fetchHistory();
    const types = (events ?? []).flatMap(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? [],
    );
    expect(types).toEqual(['findRun', 'mix', 'step', 'step', 'snapshot', 'step', 'snapshot', 'keepRun']);
    const byName = ({ summary: { stages } }: typeof first) =>
      Object.fromEntries(stages.map((one) => [one.activity, one]));
    expect(byName(second)).toEqual(byName(first));
    expect({ last: second.last, cache: second.cache }).toEqual({ last: first.last, cache: first.cache });
  });

  it('ends with the mean of its last snapshots if its arm says so, and is kept with it', async () => {
    const { activities } = harness;
    activities.keptRuns = new Map();
    const plan = planOf({ arm: 'rl', objective: 'rl', stepCount: 3, averagedSnapshotCount: 2 });
    const { summary } = await (await start(plan)).result();
    expect(activities.calls.slice(-2)).toEqual(['snapshot 3 of 1', 'mean of 2 up to snapshot 3']);
    expect(summary).toMatchObject({
      policy: { snapshot: refTo('mean'), log: [] },
      checkpoint: refTo('mean checkpoint'),
    });
    const again = await (await start(plan)).result();
    expect(again.summary).toMatchObject({ policy: summary.policy, checkpoint: summary.checkpoint });
  });

  it('is returned as a whole if it was made before', async () => {
    const { activities } = harness;
    activities.keptRuns = new Map();
    const plan = planOf({ arm: 'rl', objective: 'grpo', stepCount: 3 });
    const first = await (await start(plan)).result();
    const doneCount = activities.calls.length;
    const again = await start(plan);
    const second = await again.result();
    expect(activities.calls.length).toBe(doneCount);
    const { policy, checkpoint, mixture, kept } = first.summary;
    expect(second.summary).toMatchObject({ policy, checkpoint, mixture, kept });
    expect(second).toMatchObject({ cache: { hits: 1, misses: 0 }, rewardLine: first.rewardLine, last: { step: 2 } });
    expect(await again.query<RunProgress>('progress')).toMatchObject({ state: 'done', step: 3, stepCount: 3 });
    expect((await (await start({ ...plan, seed: 1 })).result()).cache.hits).toBe(0);
  });

  it('rewards all shards of a step together', async () => {
    await (await start(planOf({ arm: 'rl', objective: 'grpo', stepCount: 1, rolloutShardCount: 3 }))).result();
    const { calls } = harness.activities;
    expect(calls.slice(1, 4).sort()).toEqual(['rollout 0 1/3', 'rollout 0 2/3', 'rollout 0 3/3']);
    expect(calls[4]).toBe('reward 0 of 3');
  });

  it('summarizes each activity in the history', async () => {
    const handle = await start(planOf({ arm: 'rl', objective: 'grpo', stepCount: 1, rolloutShardCount: 2 }));
    await handle.result();
    const { events } = await handle.fetchHistory();
    const summaries = (events ?? [])
      .filter(({ activityTaskScheduledEventAttributes }) => activityTaskScheduledEventAttributes)
      .map(
        ({ userMetadata }) =>
          userMetadata?.summary && defaultPayloadConverter.fromPayload<string>(userMetadata.summary),
      );
    expect(summaries).toEqual([
      'rl/s0: made before?',
      expect.any(String),
      ...['step 0 · rollouts 1/2', 'step 0 · rollouts 2/2', 'step 0 · rewards', 'step 0 · update'],
      expect.any(String),
      'rl/s0: kept',
    ]);
  });

  it('splits supervised steps so that no activity crosses a snapshot or the end', async () => {
    const plan = planOf({
      arm: 'sft',
      objective: 'sft',
      stepCount: 11,
      stepCountPerActivity: 3,
      snapshotEveryStepCount: 5,
    });
    await (await start(plan)).result();
    expect(harness.activities.calls.filter((call) => !call.startsWith('mix'))).toEqual([
      ...['optimize sft 0-3 after 0', 'optimize sft 3-5 after 1', 'snapshot 5 of 2'],
      ...['optimize sft 5-8 after 0', 'optimize sft 8-10 after 1', 'snapshot 10 of 2'],
      ...['optimize sft 10-11 after 0', 'snapshot 11 of 1'],
    ]);
  });

  it('plans the next segment of a curriculum from the rewards since the last one', async () => {
    const plan = planOf({ arm: 'rl', objective: 'grpo', stepCount: 5, replanEveryStepCount: 2 });
    await (await start(plan)).result();
    expect(harness.activities.calls.filter((call) => call.startsWith('mix'))).toEqual([
      'mix rl',
      'mix rl from 2 after rewards 0, rewards 1',
      'mix rl from 4 after rewards 2, rewards 3',
    ]);
  });

  it("samples further rounds while too few groups are informative, up to the recipe's limit", async () => {
    // One of the fake groups of each rollout activity is informative.
    const resampling = { informativeGroupCountMin: 2, roundCountMax: 4 };
    await (await start(planOf({ arm: 'rl', objective: 'grpo', stepCount: 1, resampling }))).result();
    const bounded = { informativeGroupCountMin: 9, roundCountMax: 3 };
    await (await start(planOf({ arm: 'rl', objective: 'grpo', stepCount: 1, resampling: bounded }))).result();
    expect(harness.activities.calls.filter((call) => /^(rollout|reward)/.test(call))).toEqual([
      ...['rollout 0 1/1', 'reward 0 of 1', 'rollout 0 1/1 again 1', 'reward 0 of 2'],
      ...[
        'rollout 0 1/1',
        'reward 0 of 1',
        'rollout 0 1/1 again 1',
        'reward 0 of 2',
        'rollout 0 1/1 again 2',
        'reward 0 of 3',
      ],
    ]);
  });

  it('passes the initial policy as reference only if the loss has a KL term', async () => {
    await (await start(planOf({ arm: 'rl', objective: 'grpo', stepCount: 1, usesReference: true }))).result();
    expect(harness.activities.calls).toContain('optimize rl 0-1 after 0 with reference');
  });

  it('does nothing for an untrained arm', async () => {
    const { summary } = await (await start(planOf({ arm: 'base', objective: 'none', stepCount: 0 }))).result();
    expect(harness.activities.calls).toEqual([]);
    expect(summary.checkpoint).toEqual(refTo('base checkpoint'));
  });

  it('waits before its next step while it is paused, and reports it', async () => {
    const { activities } = harness;
    const handle = await start(planOf({ arm: 'rl', objective: 'grpo', stepCount: 3 }));
    activities.before = async (call) => {
      if (call === 'reward 0 of 1') await handle.signal('pause');
    };
    await expect.poll(async () => (await handle.query<RunProgress>('progress')).state).toBe('paused');
    expect(activities.calls.at(-1)).toBe('optimize rl 0-1 after 0');
    const described = await handle.describe();
    expect(described.typedSearchAttributes.getAll()).toContainEqual(
      expect.objectContaining({ key: { name: 'MtrlState', type: 'KEYWORD' }, value: 'paused' }),
    );
    await handle.signal('resume');
    await handle.result();
    expect(activities.calls).toContain('optimize rl 2-3 after 0');
  });

  it('continues as new before its history is long, and resumes at the same step', async () => {
    const plan = planOf({
      arm: 'sft',
      objective: 'sft',
      stepCount: 420,
      stepCountPerActivity: 1,
      snapshotEveryStepCount: 420,
    });
    const handle = await start(plan);
    const { summary } = await handle.result();
    const steps = harness.activities.calls
      .filter((call) => call.startsWith('optimize'))
      .map((call) => call.split(' ')[2]);
    expect(steps).toEqual(Array.from({ length: 420 }, (_, step) => `${String(step)}-${String(step + 1)}`));
    expect(harness.activities.calls.filter((call) => call === 'mix sft')).toHaveLength(1);
    expect(summary.stages).toContainEqual(expect.objectContaining({ activity: 'optimize', count: 420 }));
    const { historyLength, runId } = await handle.describe();
    expect(historyLength).toBeLessThan(2_500);
    expect(runId).not.toBe(handle.firstExecutionRunId);
  });

  it('fails with the code of the failed activity, and names the step', async () => {
    harness.activities.before = (call) => {
      if (call === 'reward 1 of 1') throw ApplicationFailure.nonRetryable('the grader is broken', 'INVARIANT');
    };
    const handle = await start(planOf({ arm: 'rl', objective: 'grpo' }));
    const error: unknown = await handle.result().catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect((error as WorkflowFailedError).cause).toMatchObject({
      type: 'INVARIANT',
      message: 'rl/s0, step 1: the grader is broken',
    });
  });
});
