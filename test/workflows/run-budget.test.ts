import { WorkflowUpdateFailedError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { KeptRun } from '../../contract/activities.ts';
import type { RunProgress } from '../../contract/progress.ts';
import { useWorkflows } from './harness.ts';
import { planOf } from './made-up-activities.ts';
import { startRun } from './start-run.ts';

const harness = useWorkflows();

type Updates = readonly { readonly during: string; readonly name: string; readonly input: unknown }[];

/** Sends each update during the given activity; returns refusals as text. */
async function runWith(plan: Parameters<typeof planOf>[0], updates: Updates) {
  const handle = await startRun(harness.client, planOf(plan));
  const refused: string[] = [];
  harness.activities.before = async (call) => {
    for (const { name, input } of updates.filter(({ during }) => during === call)) {
      await handle.executeUpdate(name, { args: [input] }).catch((error: unknown) => {
        if (!(error instanceof WorkflowUpdateFailedError)) throw error;
        refused.push(error.cause?.message ?? '');
      });
    }
  };
  const result = await handle.result();
  return { handle, result, refused, calls: harness.activities.calls.filter((call) => !call.startsWith('reward')) };
}

describe('stopAfterStep', () => {
  it('ends a run after the current step, with a snapshot and an ordinary result', async () => {
    const keptRuns = new Map<string, KeptRun>();
    harness.activities.keptRuns = keptRuns;
    const { handle, result, calls } = await runWith({ arm: 'rl', objective: 'grpo', stepCount: 9 }, [
      { during: 'rollout 2 1/1', name: 'stopAfterStep', input: undefined },
    ]);
    expect(calls.slice(-2)).toEqual(['optimize rl 2-3 after 0', 'snapshot 3 of 1']);
    expect(result.summary.plan.stepCount).toBe(3);
    expect(result.summary.policy.log).toEqual([]);
    expect(await handle.query<RunProgress>('progress')).toMatchObject({ state: 'done', step: 3, stepCount: 3 });
    // A run that is shorter than its recipe is not stored.
    expect(keptRuns.size).toBe(0);
  });

  it('ends a supervised run after the given step, although an activity makes several', async () => {
    const plan = { arm: 'sft', objective: 'sft', stepCount: 20, stepCountPerActivity: 4, snapshotEveryStepCount: 20 };
    const { result, calls } = await runWith({ ...plan, objective: 'sft' }, [
      { during: 'optimize sft 0-4 after 0', name: 'stopAfterStep', input: { step: 5 } },
    ]);
    expect(calls.slice(1)).toEqual(['optimize sft 0-4 after 0', 'optimize sft 4-6 after 1', 'snapshot 6 of 2']);
    expect(result.summary.plan.stepCount).toBe(6);
  });

  it('ends a paused run without another step', async () => {
    const handle = await startRun(harness.client, planOf({ arm: 'rl', objective: 'grpo', stepCount: 9 }));
    harness.activities.before = async (call) => {
      if (call === 'rollout 0 1/1') await handle.signal('pause');
    };
    await expect.poll(async () => (await handle.query<RunProgress>('progress')).state).toBe('paused');
    await handle.executeUpdate('stopAfterStep');
    expect((await handle.result()).summary.plan.stepCount).toBe(1);
  });
});

describe('changeBudget', () => {
  it('takes effect during the lookup of a stored run', async () => {
    const { activities, client } = harness;
    activities.keptRuns = new Map();
    const plan = planOf({ arm: 'sft', objective: 'sft', stepCount: 2 });
    await (await startRun(client, plan)).result();
    type Started = Awaited<ReturnType<typeof startRun>>;
    let started: (handle: Started) => void = () => undefined;
    const handle = new Promise<Started>((resolve) => {
      started = resolve;
    });
    activities.beforeFinding = async () => {
      await (await handle).executeUpdate('changeBudget', { args: [{ stepCount: 3 }] });
    };
    started(await startRun(client, plan));
    expect((await (await handle).result()).summary.plan.stepCount).toBe(3);
  });

  it('extends a run, with a mixture and a learning rate schedule of the new length', async () => {
    const { result, calls } = await runWith(
      { arm: 'sft', objective: 'sft', stepCount: 2, snapshotEveryStepCount: 50 },
      [{ during: 'optimize sft 0-1 after 0', name: 'changeBudget', input: { stepCount: 4 } }],
    );
    expect(calls).toEqual([
      ...['mix sft', 'optimize sft 0-1 after 0', 'mix sft of 4 steps'],
      ...[
        'optimize sft 1-2 of 4 after 1',
        'optimize sft 2-3 of 4 after 2',
        'optimize sft 3-4 of 4 after 3',
        'snapshot 4 of 4',
      ],
    ]);
    expect(result.summary.plan.stepCount).toBe(4);
  });

  it('takes effect if it is changed again while the mixture is planned', async () => {
    const plan = { arm: 'sft', stepCount: 2, stepCountPerActivity: 9, snapshotEveryStepCount: 50 };
    const { calls } = await runWith({ ...plan, objective: 'sft' }, [
      { during: 'mix sft', name: 'changeBudget', input: { stepCount: 4 } },
      { during: 'mix sft of 4 steps', name: 'changeBudget', input: { stepCount: 6 } },
    ]);
    expect(calls.slice(0, 4)).toEqual([
      'mix sft',
      'mix sft of 4 steps',
      'mix sft of 6 steps',
      'optimize sft 0-6 of 6 after 0',
    ]);
  });

  it('replans the last, shortened segment of a curriculum if the run is extended', async () => {
    const plan = { arm: 'rl', stepCount: 3, replanEveryStepCount: 2, snapshotEveryStepCount: 50 };
    const { calls } = await runWith({ ...plan, objective: 'grpo' }, [
      { during: 'rollout 2 1/1', name: 'changeBudget', input: { stepCount: 5 } },
    ]);
    expect(calls.filter((call) => call.startsWith('mix'))).toEqual([
      'mix rl',
      'mix rl from 2 after rewards 0, rewards 1',
      'mix rl of 5 steps from 3 after rewards 2',
    ]);
  });

  it('takes effect if it ends the run while the mixture is planned', async () => {
    const { result, refused } = await runWith({ arm: 'rl', objective: 'grpo', stepCount: 9 }, [
      { during: 'rollout 1 1/1', name: 'changeBudget', input: { stepCount: 12 } },
      { during: 'mix rl of 12 steps', name: 'changeBudget', input: { stepCount: 2 } },
    ]);
    expect(refused).toEqual([]);
    expect(result.summary.plan.stepCount).toBe(2);
  });

  it('takes effect if it arrives during the last snapshot', async () => {
    const { result, refused } = await runWith(
      { arm: 'rl', objective: 'grpo', stepCount: 9, snapshotEveryStepCount: 50 },
      [
        { during: 'rollout 0 1/1', name: 'stopAfterStep', input: undefined },
        { during: 'snapshot 1 of 1', name: 'changeBudget', input: { stepCount: 3 } },
      ],
    );
    expect(refused).toEqual([]);
    expect(result.summary.plan.stepCount).toBe(3);
  });

  it('revokes an earlier stop', async () => {
    const { result } = await runWith({ arm: 'rl', objective: 'grpo', stepCount: 4 }, [
      { during: 'rollout 0 1/1', name: 'stopAfterStep', input: { step: 1 } },
      { during: 'rollout 1 1/1', name: 'changeBudget', input: { stepCount: 3 } },
    ]);
    expect(result.summary.plan.stepCount).toBe(3);
  });
});

it('invalid updates are refused with the allowed values, and change nothing', async () => {
  const wrong: readonly (readonly [string, unknown])[] = [
    ['changeBudget', { stepCount: 2 }],
    ['changeBudget', { stepCount: 0.5 }],
    ['changeBudget', { steps: 9 }],
    ['changeBudget', undefined],
    ['changeBudget', { stepCount: 1e9 }],
    ['stopAfterStep', { step: 1 }],
    ['stopAfterStep', { step: 4 }],
    ['stopAfterStep', { step: '2' }],
    ['stopAfterStep', 3],
  ];
  const { result, refused } = await runWith(
    { arm: 'rl', objective: 'grpo', stepCount: 4 },
    wrong.map(([name, input]) => ({ during: 'rollout 2 1/1', name, input })),
  );
  expect(refused).toEqual([
    'too late: 3 steps are done or in progress',
    expect.stringContaining('stepCount must be an integer'),
    expect.stringContaining('steps cannot be changed'),
    expect.stringContaining('send {"stepCount": N}'),
    expect.stringContaining('from 1 to 1000000'),
    'too late: 3 steps are done or in progress',
    'the run has no step 4: it ends with step 3',
    expect.stringContaining('step must be an integer'),
    expect.stringContaining('the input has no step'),
  ]);
  expect(result.summary.plan.stepCount).toBe(4);
});

it('a changed budget persists across continue-as-new', async () => {
  const plan = { arm: 'sft', stepCount: 10_000, stepCountPerActivity: 1, snapshotEveryStepCount: 10_000 };
  const { handle, result } = await runWith({ ...plan, objective: 'sft' }, [
    { during: 'optimize sft 5-6 after 5', name: 'changeBudget', input: { stepCount: 420 } },
  ]);
  expect(result.summary.plan.stepCount).toBe(420);
  expect((await handle.describe()).runId).not.toBe(handle.firstExecutionRunId);
});
