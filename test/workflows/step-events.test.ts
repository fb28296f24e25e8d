/** The length of histories: all events that a run records, divided by its steps. */
import { expect, it } from 'vitest';
import type { ArmPlan } from '../../contract/activities.ts';
import { useWorkflows } from './harness.ts';
import { planOf } from './made-up-activities.ts';

const harness = useWorkflows();

/** Of a run with an experiment, which it tells its progress, and with a snapshot after every 20 steps. */
async function eventsPerStep(experimentId: string, changes: Partial<ArmPlan>): Promise<number> {
  // So few steps that the run of three activities each does not continue as new.
  const plan = planOf({ arm: 'rl', objective: 'rl', stepCount: 100, snapshotEveryStepCount: 20, ...changes });
  const { workflow } = harness.client;
  const options = { workflowId: experimentId, taskQueue: 'mtrl', args: [{ runs: [plan] }] };
  await (await workflow.start('experiment', options)).result();
  const { events } = await workflow.getHandle(`${experimentId}/rl/s0`).fetchHistory();
  return (events ?? []).length / plan.stepCount;
}

it('a step in one activity is less than half of the events of three activities, and at most 12', async () => {
  const parted = await eventsPerStep('parted', {});
  const atOnce = await eventsPerStep('at-once', { stepInOneActivity: true });
  // Start, end and signals weigh most in a short run.
  const short = await eventsPerStep('short', { stepInOneActivity: true, stepCount: 24 });
  if (process.env['MTRL_FIGURES'] !== undefined) process.stderr.write(`${JSON.stringify({ parted, atOnce, short })}\n`);
  expect(parted).toBeGreaterThan(16);
  expect(atOnce).toBeLessThan(parted / 2);
  expect(Math.max(atOnce, short)).toBeLessThanOrEqual(12);
});
