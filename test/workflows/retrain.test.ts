import { ScheduleOverlapPolicy, type WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import type { RetrainInput, RetrainResult } from '../../contract/promotion.ts';
import type { RetrainProgress } from '../../contract/progress.ts';
import { useWorkflows } from './harness.ts';
import { type MadeUpRecipe, planOf } from './made-up-activities.ts';

const harness = useWorkflows();
let count = 0;

const recipe: MadeUpRecipe = {
  runs: [planOf({ arm: 'rl', objective: 'grpo', stepCount: 1 })],
  promotion: { name: 'nightly', startFrom: 'promoted' },
};

type Retrain = (input: RetrainInput) => Promise<RetrainResult>;

function start(input: RetrainInput = { recipe }, workflowId = 'retrain/nightly') {
  return harness.client.workflow.start<Retrain>('retrain', { workflowId, taskQueue: 'mtrl', args: [input] });
}

async function retrained(input?: RetrainInput): Promise<RetrainResult> {
  return (await start(input)).result();
}

async function failureOf(ended: Promise<unknown>): Promise<unknown> {
  const error: unknown = await ended.catch((failure: unknown) => failure);
  return (error as WorkflowFailedError).cause;
}

const callsOfKind = (pattern: RegExp) => harness.activities.calls.filter((call) => pattern.test(call));

describe('a retraining', () => {
  it('trains from the recipe’s policy for a new name, then from the promoted one, and not at all on unchanged data', async () => {
    const { activities } = harness;
    const first = await retrained();
    expect(first).toMatchObject({ outcome: 'promoted', promotion: { promoted: { version: 1 } } });
    expect(first.startedFromVersion).toBeUndefined();
    expect(activities.calls).toContain('importPolicy');

    activities.calls.length = 0;
    expect(await retrained()).toMatchObject({ outcome: 'no-new-data', why: 'no new data since nightly@1' });
    expect(activities.calls).toEqual(['prepare', 'findPromoted', 'inspectData', 'notify no-new-data']);

    activities.registry.dataDigest = 'more data';
    const third = await retrained();
    expect(third).toMatchObject({
      outcome: 'promoted',
      startedFromVersion: 1,
      promotion: { promoted: { version: 2 } },
    });
    expect(activities.calls).toContain(`importPolicy from snapshot of ${first.experimentId ?? ''}`);
    expect(callsOfKind(/^(gate|promote|notify)/).slice(1)).toEqual(['gate against 1', 'promote 2', 'notify promoted']);
  });

  it('starts from the recipe’s policy if the recipe says so', async () => {
    await retrained();
    harness.activities.registry.dataDigest = 'more data';
    await retrained({ recipe: { ...recipe, promotion: { name: 'nightly', startFrom: 'recipe' } } });
    expect(callsOfKind(/^importPolicy/)).toEqual(['importPolicy', 'importPolicy']);
  });

  it('shows its outcome in the Web UI', async () => {
    const { workflowId } = await start();
    const handle = harness.client.workflow.getHandle(workflowId);
    await handle.result();
    const { typedSearchAttributes } = await handle.describe();
    const shown = Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
    expect(shown).toMatchObject({ MtrlState: 'promoted', MtrlRecipe: 'made-up' });
    const progress = await handle.query<RetrainProgress>('progress');
    expect(progress).toMatchObject({ state: 'promoted', name: 'nightly', checks: [{ passed: true }] });
    expect(progress.experimentId).toBe(shown['MtrlExperiment']);
  });

  it('leaves the name unchanged if the gate holds the candidate back', async () => {
    harness.activities.registry.gatePasses = false;
    const result = await retrained();
    expect(result.outcome).toBe('held-back');
    expect(result.why).toContain('macroF1 of known at least 0.5');
    expect(harness.activities.registry.versions).toEqual([]);
  });

  it('notifies of its failure, and fails with that code', async () => {
    harness.activities.before = (call) => {
      if (call.startsWith('optimize')) throw ApplicationFailure.nonRetryable('the loss is not finite', 'NON_FINITE');
    };
    expect(await failureOf(retrained())).toMatchObject({
      type: 'NON_FINITE',
      message: 'rl/s0, step 0: the loss is not finite',
    });
    expect(harness.activities.registry.told).toMatchObject([{ kind: 'failed', name: 'nightly' }]);
  });

  it('cancels its experiment when it is cancelled', async () => {
    const handle = await start();
    harness.activities.before = async (call) => {
      if (call.startsWith('rollout')) await handle.cancel();
    };
    await failureOf(handle.result());
    const { experimentId = '' } = await handle.query<RetrainProgress>('progress');
    const { status } = await harness.client.workflow.getHandle(experimentId).describe();
    expect(status.name).toBe('CANCELLED');
    expect(callsOfKind(/^(notify|promote)/)).toEqual([]);
  });

  it('refuses a recipe without promotion', async () => {
    const input = { recipe: { runs: recipe.runs } };
    expect(await failureOf(start(input, 'any').then((handle) => handle.result()))).toMatchObject({
      type: 'RECIPE_INVALID',
      message: expect.stringContaining('promotion.name') as string,
    });
  });
});

describe('an approval', () => {
  it('is awaited, accepted once, and promotes only if it approves', async () => {
    const { activities } = harness;
    activities.registry.approval = { required: true, timeoutMs: 60_000 };
    for (const decision of ['reject', 'approve'] as const) {
      activities.registry.dataDigest = decision;
      const handle = await start();
      const early = { decision, by: 'ann', reason: 'early' };
      await expect(handle.executeUpdate('decide', { args: [early] })).rejects.toMatchObject({
        cause: { type: 'DECISION_REFUSED' },
      });
      await expect.poll(async () => (await handle.query<RetrainProgress>('progress')).state).toBe('waiting');
      await handle.executeUpdate('decide', { args: [{ decision, by: 'ann' }] });
      const { outcome } = await handle.result();
      expect(outcome).toBe(decision === 'approve' ? 'promoted' : 'rejected');
    }
    expect(activities.registry.versions).toMatchObject([{ version: 1, dataDigest: 'approve', approvedBy: 'ann' }]);
  });

  it('that does not arrive in time holds the candidate back', async () => {
    harness.activities.registry.approval = { required: true, timeoutMs: 300 };
    expect(await retrained()).toMatchObject({ outcome: 'held-back' });
    expect(harness.activities.registry.versions).toEqual([]);
  });
});

describe('a scheduled retraining', () => {
  const scheduled = async (recipes: readonly MadeUpRecipe[], overlap: ScheduleOverlapPolicy) => {
    const scheduleId = `schedule-${String(++count)}`;
    const handle = await harness.client.schedule.create({
      scheduleId,
      spec: { intervals: [{ every: '1000d' }] },
      action: {
        type: 'startWorkflow',
        workflowType: 'retrain',
        taskQueue: 'mtrl',
        args: [{ recipe: recipes[0] }],
        workflowId: scheduleId,
      },
      policies: { overlap },
    });
    const actions = async (actionCount: number): Promise<string[]> => {
      const of = async () =>
        (await handle.describe()).info.recentActions.map(({ action }) => action.workflow.workflowId);
      await expect.poll(async () => (await of()).length).toBe(actionCount);
      return of();
    };
    return { handle, actions };
  };
  const resultOf = (workflowId: string): Promise<RetrainResult> => harness.client.workflow.result<Retrain>(workflowId);

  it('does not retrain on data whose candidate was held back', async () => {
    harness.activities.registry.gatePasses = false;
    const { handle, actions } = await scheduled([recipe], ScheduleOverlapPolicy.SKIP);
    await handle.trigger(ScheduleOverlapPolicy.SKIP);
    const [first = ''] = await actions(1);
    expect(await resultOf(first)).toMatchObject({ outcome: 'held-back' });
    // A schedule learns of its actions' completion with a delay.
    await expect.poll(async () => (await handle.describe()).info.runningActions).toEqual([]);
    await handle.trigger(ScheduleOverlapPolicy.SKIP);
    const [, second = ''] = await actions(2);
    expect(await resultOf(second)).toMatchObject({
      outcome: 'no-new-data',
      why: expect.stringContaining('not the promoted') as string,
    });
    expect(callsOfKind(/^mix/)).toHaveLength(1);
    await handle.delete();
  });

  it('never overlaps another one of the same name, even if the schedule would allow it', async () => {
    const { handle, actions } = await scheduled([recipe], ScheduleOverlapPolicy.ALLOW_ALL);
    harness.activities.before = async (call) => {
      if (call !== 'mix rl') return;
      await handle.trigger();
      const [, second = ''] = await actions(2);
      expect(await failureOf(resultOf(second))).toMatchObject({ type: 'RETRAIN_CONFLICT' });
    };
    await handle.trigger();
    const [first = ''] = await actions(1);
    expect(await resultOf(first)).toMatchObject({ outcome: 'promoted' });
    await handle.delete();
  });
});
