import type { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { beforeEach, describe, expect, it } from 'vitest';
import type { FindCandidateInput } from '../../contract/retraining.ts';
import type { ApprovalStanding } from '../../contract/messages.ts';
import type { GatedPromotion, RollbackInput, RollbackResult } from '../../contract/promotion.ts';
import { type Ended, temporalOn } from '../support/commands.ts';
import { useWorkflows } from './harness.ts';

const harness = useWorkflows();
let count = 0;

async function start(input: Partial<FindCandidateInput> = {}) {
  return harness.client.workflow.start<(input: FindCandidateInput) => Promise<GatedPromotion>>('promote', {
    workflowId: `promote-${String(++count)}`,
    taskQueue: 'mtrl',
    args: [{ experimentId: 'finished', ...input }],
  });
}
type Handle = Awaited<ReturnType<typeof start>>;

async function waiting(): Promise<Handle> {
  harness.activities.registry.approval = { required: true, timeoutMs: 60_000 };
  const handle = await start();
  await standing(handle, 'waiting');
  return handle;
}

async function standing(handle: Handle, state: ApprovalStanding['state']): Promise<void> {
  const now = async () => (await handle.query<ApprovalStanding>('approval')).state;
  await expect.poll(now).toBe(state);
}

const refusalOf = (handle: Handle, decision: unknown): Promise<unknown> =>
  handle.executeUpdate('decide', { args: [decision] }).then(
    () => 'taken',
    (error: unknown) => (error as WorkflowUpdateFailedError).cause,
  );

/** Sends a decision with the plain `temporal` command, as an operator would. */
const decideByCli = (handle: Handle, decision: object): Promise<Ended> =>
  temporalOn(harness, [
    ...['workflow', 'update', 'execute', '--workflow-id', handle.workflowId, '--name', 'decide'],
    ...['--input', JSON.stringify(decision), '--output', 'json'],
  ]);

let registry: typeof harness.activities.registry;
beforeEach(() => {
  ({ registry } = harness.activities);
});

describe('an approval', () => {
  it('comes from the plain temporal command, counts once, and is recorded in the version', async () => {
    const handle = await waiting();
    const answer = await decideByCli(handle, { decision: 'approve', by: 'ann', reason: 'looked at it' });
    expect(JSON.parse(answer.out)).toMatchObject({ result: { decision: 'approve', by: 'ann' } });
    const result = await handle.result();
    expect(result).toMatchObject({ status: 'promoted', decision: { by: 'ann' }, promoted: { approvedBy: 'ann' } });
    expect(registry.told.map(({ kind }) => kind)).toEqual(['approval-wanted', 'promoted']);
    // The workflow is closed: it accepts no decision, and its history does not change.
    const late = await decideByCli(handle, { decision: 'reject', by: 'bob' });
    expect([late.code, late.err]).toEqual([1, expect.stringMatching(/completed|not found/)]);
    expect(registry.promotedVersion).toBe(1);
  });

  it('is refused the second time, with the name of the first decider', async () => {
    let second: unknown;
    const handle = await waiting();
    harness.activities.before = async (call) => {
      if (call === 'promote 1') second = await refusalOf(handle, { decision: 'reject', by: 'bob' });
    };
    await handle.executeUpdate('decide', { args: [{ decision: 'approve', by: 'ann' }] });
    expect(await handle.result()).toMatchObject({ status: 'promoted' });
    expect(second).toMatchObject({
      type: 'DECISION_REFUSED',
      message: expect.stringContaining('ann approved') as string,
    });
  });

  it('is refused if it is too late, and the candidate is held back', async () => {
    let late: unknown;
    registry.approval = { required: true, timeoutMs: 300 };
    const handle = await start();
    harness.activities.before = async (call) => {
      if (call === 'notify held-back') late = await refusalOf(handle, { decision: 'approve', by: 'ann' });
    };
    expect(await handle.result()).toMatchObject({
      status: 'held-back',
      why: expect.stringContaining('timed out') as string,
    });
    expect(late).toMatchObject({ type: 'DECISION_REFUSED', message: expect.stringContaining('too late') as string });
    expect(registry.versions).toEqual([]);
  });

  it('is refused if it is too early', async () => {
    let early: unknown;
    registry.approval = { required: true, timeoutMs: 300 };
    harness.activities.before = async (call) => {
      if (call === 'gate against nothing') early = await refusalOf(handle, { decision: 'approve', by: 'ann' });
    };
    const handle = await start();
    await handle.result();
    expect(early).toMatchObject({ type: 'DECISION_REFUSED', message: expect.stringContaining('too early') as string });
  });

  it('that is malformed is refused before it reaches the history, and the candidate keeps waiting', async () => {
    const handle = await waiting();
    const malformed: readonly (readonly [unknown, string])[] = [
      [undefined, 'no decision'],
      ['approve', 'no decision'],
      [{ by: 'ann' }, 'must be approve or reject'],
      [{ decision: 'Approve', by: 'ann' }, 'must be approve or reject'],
      [{ decision: 'approve' }, 'who decides'],
      [{ decision: 'approve', by: ' ' }, 'who decides'],
      [{ decision: 'approve', by: 'ann', reason: 7 }, 'reason must be text'],
      [{ decision: 'approve', by: 'ann', force: true }, 'force is not a field'],
    ];
    for (const [decision, says] of malformed)
      expect(await refusalOf(handle, decision), says).toMatchObject({
        type: 'DECISION_REFUSED',
        message: expect.stringContaining(says) as string,
      });
    const { events } = await handle.fetchHistory();
    expect(events?.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes)).toEqual([]);
    await handle.executeUpdate('decide', { args: [{ decision: 'reject', by: 'ann', reason: 'too early' }] });
    expect(await handle.result()).toMatchObject({ status: 'rejected', why: 'rejected by ann: too early' });
    expect(registry.versions).toEqual([]);
  });
});

describe('a promotion', () => {
  it('is held back by the gate, unless a reason forces it', async () => {
    registry.gatePasses = false;
    expect(await (await start()).result()).toMatchObject({
      status: 'held-back',
      why: 'held back by the gate: macroF1 of known at least 0.5 (found 0.4000)',
    });
    expect(registry.versions).toEqual([]);
    const forced = await start({ forceReason: 'the test set is wrong' });
    expect(await forced.result()).toMatchObject({ status: 'promoted', gate: { passed: false } });
    expect(registry.versions).toHaveLength(1);
  });

  it('succeeds if notifications fail, and reports the failures in its result', async () => {
    harness.activities.before = (call) => {
      if (call.startsWith('notify')) throw ApplicationFailure.nonRetryable('the worker lost its network', 'INVARIANT');
    };
    expect(await (await start()).result()).toMatchObject({
      status: 'promoted',
      notifications: { deliveredCount: 0, failures: [expect.stringContaining('lost its network')] },
    });
    expect(registry.promotedVersion).toBe(1);
  });

  it('fails with its code if the name was switched in the meantime', async () => {
    harness.activities.before = (call) => {
      if (call === 'promote 1')
        throw ApplicationFailure.nonRetryable('judge was switched meanwhile', 'PROMOTION_CONFLICT');
    };
    const error: unknown = await (await start()).result().catch((failure: unknown) => failure);
    expect((error as WorkflowFailedError).cause).toMatchObject({ type: 'PROMOTION_CONFLICT' });
    expect(registry.versions).toEqual([]);
  });

  it('is reverted by a rollback, with a notification', async () => {
    await (await start()).result();
    await (await start()).result();
    const input: RollbackInput = { name: 'nightly', by: 'ann', reason: 'complaints' };
    const result = await harness.client.workflow.execute<(input: RollbackInput) => Promise<RollbackResult>>(
      'rollback',
      {
        ...{ workflowId: 'rollback', taskQueue: 'mtrl', args: [input] },
      },
    );
    expect(result).toMatchObject({
      from: { version: 2 },
      promoted: { version: 1 },
      notifications: { deliveredCount: 1 },
    });
    expect(registry.told.at(-1)).toMatchObject({
      kind: 'rolled-back',
      text: 'ann rolled back nightly@2 to nightly@1',
    });
  });
});
