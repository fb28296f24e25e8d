/** Runs that reach a ceiling of their arm: they end in order, and their steps are those of a run without it. */
import { expect, it } from 'vitest';
import type { ArmPlan, KeptRun } from '../../contract/activities.ts';
import type { RunProgress } from '../../contract/progress.ts';
import { useWorkflows } from './harness.ts';
import { planOf, refTo } from './made-up-activities.ts';
import { startRun } from './start-run.ts';

const harness = useWorkflows();

const rl = (ceilings: NonNullable<ArmPlan['ceilings']>, changes: Partial<ArmPlan> = {}): ArmPlan =>
  planOf({ arm: 'rl', objective: 'rl', stepCount: 9, snapshotEveryStepCount: 4, ceilings, ...changes });
const calls = (): string[] => harness.activities.calls.filter((call) => !/^(reward|rollout)/.test(call));

it('ends a run after the given number of steps with a snapshot, and stores it as no whole run', async () => {
  harness.activities.keptRuns = new Map<string, KeptRun>();
  const handle = await startRun(harness.client, rl({ stepCountMax: 3 }));
  const { summary } = await handle.result();
  expect(calls()).toEqual([
    ...['mix rl', 'optimize rl 0-1 after 0', 'optimize rl 1-2 after 1', 'optimize rl 2-3 after 2'],
    'snapshot 3 of 3',
  ]);
  const ceiling = { ceiling: 'stepCountMax', found: 3, allowed: 3, stepCount: 3 };
  expect(summary).toMatchObject({
    ceiling,
    policy: { snapshot: refTo('snapshot 3'), log: [] },
    plan: { stepCount: 3 },
  });
  const phase = 'ended at its ceiling, stepCountMax';
  expect(await handle.query<RunProgress>('progress')).toMatchObject({ state: 'done', phase, step: 3, ceiling });
  expect(harness.activities.keptRuns.size).toBe(0);
});

it('lets an operator go beyond a ceiling of steps, as beyond the steps of the recipe', async () => {
  const handle = await startRun(harness.client, rl({ stepCountMax: 2 }));
  harness.activities.before = async (call) => {
    if (call === 'optimize rl 1-2 after 1') await handle.executeUpdate('changeBudget', { args: [{ stepCount: 4 }] });
  };
  const { summary } = await handle.result();
  expect(summary.plan.stepCount).toBe(4);
  expect(summary).not.toHaveProperty('ceiling');
});

it.each([true, undefined])(
  'ends by the times that its activities recorded (one activity a step: %s)',
  async (isOne) => {
    // The mixture ends at 0, the steps at 250, 500, ...
    let timeMs = -250;
    harness.activities.endedAtMs = () => (timeMs += 250);
    const plan = rl({ wallMsMax: 700 }, isOne ? { stepInOneActivity: isOne } : {});
    const handle = await startRun(harness.client, plan);
    const { summary } = await handle.result();
    expect(summary.ceiling).toEqual({ ceiling: 'wallMsMax', found: 750, allowed: 700, stepCount: 3 });
    expect(calls().at(-1)).toBe('snapshot 3 of 3');
  },
);

it('counts the bytes of rollouts, rewards, records and snapshots', async () => {
  // A few dozen bytes a step, a thousand a snapshot: the one after four steps is what reaches the ceiling.
  const { summary } = await (await startRun(harness.client, rl({ byteLengthMax: 1_000 }))).result();
  expect(summary.ceiling).toMatchObject({ ceiling: 'byteLengthMax', allowed: 1_000, stepCount: 4 });
  expect(calls().filter((call) => call.startsWith('snapshot'))).toEqual(['snapshot 4 of 4']);
});

it('is as if there were none for a run that stays below, and is stored whole', async () => {
  harness.activities.keptRuns = new Map<string, KeptRun>();
  const ceilings = { stepCountMax: 2, wallMsMax: 1_000, byteLengthMax: 1_000_000 };
  const { summary } = await (await startRun(harness.client, rl(ceilings, { stepCount: 2 }))).result();
  expect(summary).not.toHaveProperty('ceiling');
  expect(harness.activities.keptRuns.size).toBe(1);
});
