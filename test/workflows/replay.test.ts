/**
 * Recorded histories must replay with the current workflows. If one does not, an upgrade would break running
 * experiments, and the change needs `patched`.
 *
 * Record them with: MTRL_RECORD_HISTORIES=1 npx vitest run test/workflows/replay.test.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../support/silent-logger.ts';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import { bundleFolder } from './bundle-folder.ts';
import { useWorkflows, type WorkflowHarness } from './harness.ts';
import { type MadeUpRecipe, planOf } from './made-up-activities.ts';
import { startRun } from './start-run.ts';

const recording = process.env['MTRL_RECORD_HISTORIES'] === '1';
const ids = {
  experiment: 'recorded',
  'run-grpo': 'recorded/rl/s0',
  'run-sft': 'recorded/sft/s0',
  'run-at-once': 'recorded-at-once',
  evaluate: 'recorded/rl/s0/evaluate',
  retrain: 'retrain/nightly',
  promote: 'recorded-promote',
  rollback: 'recorded-rollback',
} as const;
type Name = keyof typeof ids;
const names = Object.keys(ids) as Name[];
const fixtureOf = (name: Name): string => fileURLToPath(new URL(`../fixtures/histories/${name}.json`, import.meta.url));

interface RecordedEvent {
  readonly eventId: string;
  readonly eventType: string;
  activityTaskScheduledEventAttributes?: { activityType: { name: string } };
}
interface RecordedHistory {
  readonly events: RecordedEvent[];
}

const read = (name: Name): RecordedHistory => JSON.parse(readFileSync(fixtureOf(name), 'utf8')) as RecordedHistory;

describe.runIf(recording)('recording', () => {
  const harness = useWorkflows();

  it('writes the histories of an experiment, three runs and an evaluation; of a retraining, a promotion and a rollback', async () => {
    const runs = [
      planOf({ arm: 'sft', objective: 'sft', stepCount: 4, stepCountPerActivity: 2 }),
      planOf({ arm: 'rl', objective: 'grpo', stepCount: 3, from: 'sft/s0', rolloutShardCount: 2 }),
    ];
    const handle = await harness.client.workflow.start('experiment', {
      workflowId: 'recorded',
      taskQueue: 'mtrl',
      args: [{ runs }],
    });
    await handle.result();
    const atOnce = planOf({ arm: 'rl', objective: 'rl', stepCount: 3, stepInOneActivity: true });
    await (await startRun(harness.client, atOnce, ids['run-at-once'])).result();
    await promoted(harness, { runs, promotion: { name: 'nightly', startFrom: 'promoted' } });
    for (const name of names) {
      const history = await harness.client.workflow.getHandle(ids[name]).fetchHistory();
      writeFileSync(fixtureOf(name), `${JSON.stringify(JSON.parse(historyToJSON(history)), null, 1)}\n`);
    }
  });
});

/** Runs a retraining, a promotion that is compared with the promoted version and approved, and a rollback. */
async function promoted({ client, activities }: WorkflowHarness, recipe: MadeUpRecipe): Promise<void> {
  const run = async (type: string, workflowId: string, input: object): Promise<void> => {
    const handle = await client.workflow.start(type, { workflowId, taskQueue: 'mtrl', args: [input] });
    activities.before = async (call) => {
      if (call === 'notify approval-wanted')
        await handle.executeUpdate('decide', { args: [{ decision: 'approve', by: 'ann' }] });
    };
    await handle.result();
  };
  await run('retrain', ids.retrain, { recipe });
  activities.registry.approval = { required: true, timeoutMs: 60_000 };
  await run('promote', ids.promote, { experimentId: 'recorded' });
  await run('rollback', ids.rollback, { name: 'nightly', by: 'ann' });
}

describe.skipIf(recording)('a recorded history', () => {
  let codePath: string;
  let tracedCodePath: string;
  beforeAll(async () => {
    // The rejected history is expected: the SDK need not log it.
    Runtime.install({ logger: silentLogger, telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
    codePath = await workflowBundle(bundleFolder);
    tracedCodePath = await workflowBundle(bundleFolder, { traced: true });
  });

  const replay = (name: Name, history: RecordedHistory, bundle = codePath) =>
    Worker.runReplayHistory({ workflowBundle: { codePath: bundle } }, history, ids[name]);

  it.each(names)('of %s replays', async (name) => {
    await expect(replay(name, read(name))).resolves.toBeUndefined();
  });

  it.each(names)('of %s, recorded without tracing, replays with tracing', async (name) => {
    await expect(replay(name, read(name), tracedCodePath)).resolves.toBeUndefined();
  });

  it('with another activity type does not replay', async () => {
    const history = read('run-grpo');
    const scheduled = history.events.flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
    const reward = scheduled.find(({ activityType }) => activityType.name === 'reward');
    expect(reward).toBeDefined();
    if (reward) reward.activityType.name = 'optimize';
    await expect(replay('run-grpo', history)).rejects.toBeInstanceOf(DeterminismViolationError);
  });
});
