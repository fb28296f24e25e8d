/** Runs whose numbers go bad, and what the guards of their arm make of it. */
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { expect, it } from 'vitest';
import type { ArmPlan, KeptRun } from '../../contract/activities.ts';
import type { BadSteps, GuardPlan } from '../../contract/guards.ts';
import type { RunProgress } from '../../contract/progress.ts';
import type { GuardState } from '../../contract/workflows.ts';
import { RunGuards } from '../../workflows/training/run-guards.ts';
import { useWorkflows } from './harness.ts';
import { planOf, refTo } from './made-up-activities.ts';
import { startRun } from './start-run.ts';

const harness = useWorkflows();

const rewinding: GuardPlan = { rewindsFor: ['NON_FINITE', 'POLICY_COLLAPSED'], skipCountMax: 2, rewindCountMax: 2 };
const rl = (guards: GuardPlan, changes: Partial<ArmPlan> = {}): ArmPlan =>
  planOf({ arm: 'rl', objective: 'rl', stepCount: 6, guards, ...changes });

/** Calls without those that go with every step. */
const calls = (): string[] => harness.activities.calls.filter((call) => !/^(reward|rollout)/.test(call));

/** The update of this step fails, the first `count` times. */
function failAt(step: number, count: number): void {
  let left = count;
  harness.activities.before = (call) => {
    if (!call.startsWith(`optimize rl ${String(step)}-`) || left-- <= 0) return;
    const details = [{ message: 'the loss is not finite', found: 'NaN' }];
    throw ApplicationFailure.create({ message: 'not finite', type: 'NON_FINITE', nonRetryable: true, details });
  };
}

const collapsed = (step: number): BadSteps => ({
  ...{ code: 'POLICY_COLLAPSED', step, found: 'entropyMin 1: found 0.1', skipped: false, skippedCount: 0 },
});

async function failureOf(plan: ArmPlan): Promise<unknown> {
  const handle = await startRun(harness.client, plan);
  const error: unknown = await handle.result().catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(WorkflowFailedError);
  return (error as WorkflowFailedError).cause;
}

it('goes back to the last snapshot with other draws, and the second time one snapshot further', async () => {
  failAt(5, 2);
  harness.activities.keptRuns = new Map<string, KeptRun>();
  const handle = await startRun(harness.client, rl(rewinding));
  const { summary } = await handle.result();
  expect(calls()).toEqual([
    ...['mix rl', 'optimize rl 0-1 after 0', 'optimize rl 1-2 after 1', 'snapshot 2 of 2'],
    ...['optimize rl 2-3 after 0', 'optimize rl 3-4 after 1', 'snapshot 4 of 2'],
    ...['optimize rl 4-5 after 0', 'optimize rl 5-6 after 1'],
    ...['mix rl', 'optimize rl 4-5 after 0, draw 1', 'optimize rl 5-6 after 1, draw 1'],
    ...['mix rl', 'optimize rl 2-3 after 0, draw 2', 'optimize rl 3-4 after 1, draw 2', 'snapshot 4 of 2'],
    ...['optimize rl 4-5 after 0, draw 2', 'optimize rl 5-6 after 1, draw 2', 'snapshot 6 of 2'],
  ]);
  const back = { code: 'NON_FINITE', step: 5, found: 'not finite: NaN', outcome: 'rewound' };
  const rewinds = [4, 2].map((toStep) => ({ ...back, toStep }));
  const incidents = { recordedCount: 0, skippedCount: 0, rewinds, newest: rewinds };
  expect(summary).toMatchObject({ incidents, policy: { snapshot: refTo('snapshot 6'), log: [] } });
  expect(await handle.query<RunProgress>('progress')).toMatchObject({ incidents, step: 6, last: { step: 5 } });
  expect([...harness.activities.keptRuns.values()]).toMatchObject([{ incidents }]);
  // The same run, found as it was made, tells the same.
  expect((await (await startRun(harness.client, rl(rewinding))).result()).summary.incidents).toEqual(incidents);
});

it('ends with the failure of the step when it has gone back as often as it may', async () => {
  failAt(1, 3);
  expect(await failureOf(rl(rewinding))).toMatchObject({ type: 'NON_FINITE', message: 'rl/s0, step 1: not finite' });
  expect(calls().filter((call) => call.startsWith('mix'))).toHaveLength(3);
});

it('ends at once for a code that the arm does not go back for', async () => {
  failAt(1, 1);
  const plan = rl({ ...rewinding, rewindsFor: ['POLICY_COLLAPSED'] });
  expect(await failureOf(plan)).toMatchObject({ type: 'NON_FINITE' });
});

it('goes back before the first of several collapsed steps in a row, past the snapshots between them', async () => {
  harness.activities.badOf = ({ fromStep, rewindCount }) =>
    fromStep >= 3 && rewindCount === undefined ? collapsed(fromStep) : undefined;
  const plan = rl({ ...rewinding, collapsedStepCountMax: 3 }, { stepCount: 8, snapshotEveryStepCount: 1 });
  const { summary } = await (await startRun(harness.client, plan)).result();
  const drawn = calls().filter((call) => call.includes('draw 1'));
  expect(drawn[0]).toBe('optimize rl 3-4 after 0, draw 1');
  expect(summary.incidents).toMatchObject({ recordedCount: 3, rewinds: [{ step: 5, toStep: 3 }] });
  expect(summary.incidents?.newest.map(({ outcome }) => outcome)).toEqual([
    ...Array<string>(3).fill('recorded'),
    'rewound',
  ]);
});

it.each([
  ['collapsed steps in a row', { collapsedStepCountMax: 2 }, /entropyMin 1: found 0\.1; 2 such steps in a row/],
  ['skipped steps', {}, /3 steps skipped, allowed 2 \(guards\.skipCountMax\)/],
])('ends a run after too many %s, with their code', async (_, change, message) => {
  const isSkipped = !('collapsedStepCountMax' in change);
  harness.activities.badOf = ({ fromStep }) => ({
    ...collapsed(fromStep),
    ...(isSkipped && { skipped: true, skippedCount: 1 }),
  });
  const plan = rl({ ...rewinding, rewindsFor: [], ...change });
  const failure = await failureOf(plan);
  expect(failure).toMatchObject({ type: 'POLICY_COLLAPSED' });
  expect((failure as Error).message).toMatch(message);
});

it('knows after continue-as-new what it knew before', () => {
  const place = { checkpoint: refTo('checkpoint'), mixture: { plan: refTo('plan'), plannedStepCount: 9, rewards: [] } };
  const at = (step: number) => ({ step, policy: { snapshot: refTo(`snapshot ${String(step)}`), log: [] }, ...place });
  const plan = { ...rewinding, collapsedStepCountMax: 2 };
  let guards = new RunGuards(plan);
  const continued = (): void => {
    const { guards: state } = JSON.parse(JSON.stringify(guards.carried)) as { readonly guards: GuardState };
    guards = new RunGuards(plan, state);
  };
  guards.reached(at(0));
  guards.reached(at(4));
  continued();
  expect(guards.stepped(collapsed(4))).toBeUndefined();
  continued();
  guards.reached(at(5));
  expect(guards.stepped(collapsed(5))).toEqual(at(4));
  continued();
  expect(guards.rewindCount).toBe(1);
  const failure = ApplicationFailure.nonRetryable('not finite', 'NON_FINITE');
  expect(guards.failed(failure, 4)).toEqual(at(0));
  continued();
  expect(() => guards.failed(failure, 1)).toThrow('not finite');
  expect(new RunGuards(undefined).carried).toEqual({});
});
