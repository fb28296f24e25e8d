/**
 * Recorded histories must replay with the current workflows. If one does not, an upgrade would break running
 * experiments, and the change needs `patched`. Histories that were changed afterwards must not replay.
 *
 * Record those that are missing with: MTRL_RECORD_HISTORIES=1 npx vitest run test/workflows/replay.test.ts
 * Recorded ones are kept as they are: they are those of running experiments of earlier versions.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { ApplicationFailure } from '@temporalio/common';
import { DeterminismViolationError } from '@temporalio/workflow';
import { ReplayError, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { required } from '../../core/assert.ts';
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
  'run-guards': 'recorded-guards',
  'run-off-policy': 'recorded-off-policy',
  'run-held': 'recorded-held',
  evaluate: 'recorded/rl/s0/evaluate',
  retrain: 'retrain/nightly',
  promote: 'recorded-promote',
  rollback: 'recorded-rollback',
} as const;
type Name = keyof typeof ids;
const names = Object.keys(ids) as Name[];
const fixtureOf = (name: Name): string => fileURLToPath(new URL(`../fixtures/histories/${name}.json`, import.meta.url));

interface Named {
  name: string;
}
interface RecordedEvent {
  readonly eventId: string;
  readonly eventType: string;
  readonly activityTaskScheduledEventAttributes?: { readonly activityType: Named };
  readonly startChildWorkflowExecutionInitiatedEventAttributes?: { readonly workflowType: Named };
}
interface RecordedHistory {
  readonly events: RecordedEvent[];
}

const read = (name: Name): RecordedHistory => JSON.parse(readFileSync(fixtureOf(name), 'utf8')) as RecordedHistory;

type Tampering = readonly [
  how: string,
  of: readonly Name[],
  refusal: typeof DeterminismViolationError | typeof ReplayError,
  tamper: (history: RecordedHistory) => void,
];

/** What each changes, in histories that have such a thing. */
const tamperings: readonly Tampering[] = [
  [
    'another activity type',
    ['run-off-policy', 'promote'],
    DeterminismViolationError,
    (history) => {
      required(activitiesIn(history).at(-1), 'an activity').name = 'renamed';
    },
  ],
  [
    'two activities swapped',
    ['run-grpo', 'run-guards', 'evaluate'],
    DeterminismViolationError,
    (history) => {
      const [first, ...others] = activitiesIn(history);
      const [one, two] = [
        required(first, 'one'),
        required(
          others.find(({ name }) => name !== first?.name),
          'two',
        ),
      ];
      [one.name, two.name] = [two.name, one.name];
    },
  ],
  [
    'another type of child workflow',
    ['experiment', 'retrain'],
    DeterminismViolationError,
    (history) => {
      const children = history.events.flatMap(
        ({ startChildWorkflowExecutionInitiatedEventAttributes: made }) => made ?? [],
      );
      required(children[0], 'a child').workflowType.name = 'renamed';
    },
  ],
  [
    'an event dropped',
    ['run-at-once', 'rollback'],
    ReplayError,
    ({ events }) => {
      events.splice(
        events.findIndex((event) => event.activityTaskScheduledEventAttributes !== undefined),
        1,
      );
    },
  ],
];

function activitiesIn({ events }: RecordedHistory): Named[] {
  return events.flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType ?? []);
}

describe.runIf(recording)('recording', () => {
  const harness = useWorkflows();

  it('writes the missing histories of an experiment, runs and an evaluation; of a retraining, a promotion and a rollback', async () => {
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
    const ahead = planOf({ arm: 'rl', objective: 'rl', stepCount: 3, samplesAhead: true });
    await (await startRun(harness.client, ahead, ids['run-off-policy'])).result();
    // The worker that holds the policy is gone at once: each piece of work passes to another.
    harness.activities.heldBy = 'mtrl-compute@gone';
    await (await startRun(harness.client, atOnce, ids['run-held'])).result();
    harness.activities.heldBy = undefined;
    await guarded(harness);
    await promoted(harness, { runs, promotion: { name: 'nightly', startFrom: 'promoted' } });
    for (const name of names.filter((each) => !existsSync(fixtureOf(each)))) {
      const history = await harness.client.workflow.getHandle(ids[name]).fetchHistory();
      writeFileSync(fixtureOf(name), `${JSON.stringify(JSON.parse(historyToJSON(history)), null, 1)}\n`);
    }
  });
});

/** A run that records a collapsed step, and goes back to its snapshot from a step whose numbers are not finite. */
async function guarded({ client, activities }: WorkflowHarness): Promise<void> {
  const plan = planOf({
    ...{ arm: 'rl', objective: 'rl', stepCount: 4, stepInOneActivity: true },
    guards: { rewindsFor: ['NON_FINITE'], collapsedStepCountMax: 2, skipCountMax: 1, rewindCountMax: 1 },
  });
  activities.badOf = ({ fromStep: step }) =>
    step === 0 ? { code: 'POLICY_COLLAPSED', step, found: 'made up', skipped: false, skippedCount: 0 } : undefined;
  let isBad = true;
  activities.before = (call) => {
    if (!isBad || !call.startsWith('optimize rl 3-4')) return;
    isBad = false;
    throw ApplicationFailure.nonRetryable('not finite', 'NON_FINITE');
  };
  const { summary } = await (await startRun(client, plan, ids['run-guards'])).result();
  expect(summary.incidents).toMatchObject({ recordedCount: 1, rewinds: [{ step: 3, toStep: 2 }] });
}

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

  it.each(tamperings.flatMap(([how, of, refusal, tamper]) => of.map((name) => ({ name, how, refusal, tamper }))))(
    'of $name, with $how, does not replay',
    async ({ name, refusal, tamper }) => {
      const history = read(name);
      tamper(history);
      await expect(replay(name, history)).rejects.toBeInstanceOf(refusal);
    },
  );
});
