/** Runs that validate: on a real server, with the scores that a test gives. */
import { expect, it } from 'vitest';
import type { ArmPlan } from '../../contract/activities.ts';
import type { RunProgress } from '../../contract/progress.ts';
import { useWorkflows } from './harness.ts';
import { planOf, refTo } from './made-up-activities.ts';
import { startRun } from './start-run.ts';

const harness = useWorkflows();

const validation = {
  everyStepCount: 2,
  split: 'val',
  tasks: ['a', 'b'],
  metric: 'macroF1',
  improvementMin: 0,
} as const;
const rl = (changes: Partial<ArmPlan>): ArmPlan =>
  planOf({ arm: 'rl', objective: 'rl', snapshotEveryStepCount: 100, validation, ...changes });

/** Scores by the snapshot that is validated: task a gets 0.1 more than the mean, task b 0.1 less. */
function scoreBy(scores: Readonly<Record<number, number>>): void {
  harness.activities.scoreOf = ({ task, policy }) => {
    const step = Number(policy.snapshot.uri.split(' ').at(-1));
    const mean = scores[step];
    return mean === undefined ? undefined : mean + (task === 'a' ? 0.1 : -0.1);
  };
}

/** The tasks of one validation are asked in parallel, in any order. */
const validations = (): string[] => {
  const calls = harness.activities.calls.filter((call) => /^(validate|snapshot)/.test(call));
  return calls.flatMap((call, i) => (call.startsWith('snapshot') ? [call, ...calls.slice(i + 1, i + 3).sort()] : []));
};

it('ends with the best checkpoint, though its last step is worse, and says what that one scored', async () => {
  scoreBy({ 2: 0.5, 4: 0.8, 5: 0.3 });
  const handle = await startRun(harness.client, rl({ stepCount: 5 }));
  const { summary } = await handle.result();
  expect(validations()).toEqual([
    ...['snapshot 2 of 2', 'validate rl on a val', 'validate rl on b val'],
    ...['snapshot 4 of 2', 'validate rl on a val', 'validate rl on b val'],
    ...['snapshot 5 of 1', 'validate rl on a val', 'validate rl on b val'],
  ]);
  expect(summary).toMatchObject({
    policy: { snapshot: refTo('snapshot 4'), log: [] },
    checkpoint: refTo('snapshot 4 checkpoint'),
    plan: { stepCount: 5 },
    selection: {
      ...{ metric: 'macroF1', split: 'val', endedEarly: false, lastPolicy: { snapshot: refTo('snapshot 5'), log: [] } },
      best: { step: 4, snapshot: refTo('snapshot 4') },
      last: { step: 5 },
    },
  });
  expect(summary.selection?.best.score).toBeCloseTo(0.8, 10);
  expect(summary.selection?.last.score).toBeCloseTo(0.3, 10);
  expect(summary.stages).toContainEqual({ activity: 'evaluate', count: 6, cachedCount: 0, computeMs: 6 });
  expect(await handle.query<RunProgress>('progress')).toMatchObject({
    ...{ state: 'done', checkpoint: refTo('snapshot 4 checkpoint') },
    validation: { best: { step: 4 }, last: { step: 5 } },
  });
});

it('ends in order once its scores have reached a plateau, and is kept as that', async () => {
  const { activities } = harness;
  activities.keptRuns = new Map();
  scoreBy({ 2: 0.5, 4: 0.5, 6: 0.4 });
  const plan = rl({ stepCount: 100, validation: { ...validation, patience: 2 } });
  const { summary } = await (await startRun(harness.client, plan)).result();
  expect(activities.calls.at(-3)).toBe('snapshot 6 of 2');
  expect(summary).toMatchObject({ plan: { stepCount: 6 }, selection: { endedEarly: true, best: { step: 2 } } });
  const doneCount = activities.calls.length;
  const again = await startRun(harness.client, plan);
  const found = (await again.result()).summary;
  expect(activities.calls.length).toBe(doneCount);
  const { policy, checkpoint, selection } = summary;
  expect(found).toMatchObject({ policy, checkpoint, selection, plan: { stepCount: 6 } });
  expect(await again.query<RunProgress>('progress')).toMatchObject({ state: 'done', step: 6 });
});

it('keeps the best so far when it continues as new', async () => {
  scoreBy({ 2: 0.9 });
  const tasks = Array.from({ length: 60 }, (_, i) => `task ${String(i)}`);
  const handle = await startRun(harness.client, rl({ stepCount: 14, validation: { ...validation, tasks } }));
  const { summary } = await handle.result();
  expect(summary.selection).toMatchObject({ best: { step: 2 }, last: { step: 14 } });
  expect(summary.selection?.validations.map(({ step }) => step)).toEqual([2, 4, 6, 8, 10, 12, 14]);
  expect(summary.policy.snapshot).toEqual(refTo('snapshot 2'));
  const { runId } = await harness.client.workflow.getHandle(handle.workflowId).describe();
  expect(runId).not.toBe(handle.firstExecutionRunId);
});

it('validates supervised arms too: no activity crosses a validation', async () => {
  scoreBy({});
  const plan = rl({ arm: 'sft', objective: 'sft', rolloutShardCount: 0, stepCount: 7, stepCountPerActivity: 5 });
  await (await startRun(harness.client, { ...plan, validation: { ...validation, everyStepCount: 3 } })).result();
  expect(harness.activities.calls.filter((call) => call.startsWith('optimize'))).toEqual([
    'optimize sft 0-3 after 0',
    'optimize sft 3-6 after 0',
    'optimize sft 6-7 after 0',
  ]);
});
