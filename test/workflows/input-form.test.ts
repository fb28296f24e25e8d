/**
 * Invalid JSON input must fail a workflow with a description of the error: a workflow that only fails its tasks seems
 * to run forever.
 */
import type { WorkflowFailedError } from '@temporalio/client';
import { expect, it } from 'vitest';
import { useWorkflows } from './harness.ts';

const harness = useWorkflows();
const recipe = { runs: [] };

it.each<[type: string, args: unknown[], says: string]>([
  ['retrain', [], 'is not an object'],
  ['retrain', [recipe], 'has no recipe'],
  ['retrain', [{ recipe, force: true }], 'has force, which is not a field of it'],
  ['rollback', [], 'is not an object'],
  ['rollback', ['nightly'], 'is not an object'],
  ['rollback', [{ name: 'nightly', by: 'ann', too: 3 }], 'has too, which is not a field of it'],
  ['evaluatePolicy', [], 'is not an object'],
  ['evaluatePolicy', [{ recipe }], 'has no mode'],
  ['evaluatePolicy', [{ recipe, mode: 'loud' }], 'has an unknown mode: "loud"'],
  ['experiment', [recipe, null], 'is not an object'],
  ['experiment', [recipe, { frok: {} }], 'has frok, which is not a field of it'],
])('%s started with %j fails with USAGE before any activity', async (workflowType, args, says) => {
  const id = `${workflowType}-${JSON.stringify(args)}`;
  const error: unknown = await harness.client.workflow
    .execute(workflowType, { workflowId: id, taskQueue: 'mtrl', args, workflowExecutionTimeout: '20 s' })
    .catch((failure: unknown) => failure);
  expect((error as WorkflowFailedError).cause).toMatchObject({
    ...{ type: 'USAGE', message: expect.stringMatching(new RegExp(`input ${says}\\n +do +send \\{`)) as string },
  });
  expect(harness.activities.calls).toEqual([]);
});
