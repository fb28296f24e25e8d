/**
 * The digest of a policy does not depend on how its rollouts are split, nor on which workers do what, nor on a worker
 * that drains or dies for good in the middle of a step; also if the rollouts of the next step are sampled meanwhile.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { choosePorts } from '../../infra/stack/ports.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { repeatedActivities } from '../support/repeated-activities.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { healthOf, policiesOf, WholeStack } from './whole-stack.ts';

const tiny = tinyRecipe({ sftStepCount: 10, grpoStepCount: 12 });

/** Rollouts of the next step while a step trains. Few steps: they are run in addition. */
const stale = { stalenessStepCountMax: 1, correction: 'token-truncated', stepCount: 4 } as const;

function recipeOf(rolloutShardCount: number, pools?: RecipeInput['pools'], changes: object = {}): RecipeInput {
  const arm = tiny.arms['mt-rl'];
  if (arm?.objective !== 'rl') throw new Error('the tiny recipe trains mt-rl by rollouts');
  return {
    ...tiny,
    arms: { ...tiny.arms, 'mt-rl': { ...arm, rolloutShardCount, ...changes } },
    ...(pools && { pools }),
  };
}

let stack: WholeStack;
/** Of the pooled run, which nothing disturbs. */
let whole: ReturnType<typeof policiesOf>;

beforeAll(async () => {
  stack = await WholeStack.start();
});

afterAll(() => stack.stop());

async function policiesAfter(id: string, recipe: RecipeInput, disturb = () => Promise.resolve()) {
  await stack.startExperiment(id, recipe);
  await disturb();
  return policiesOf(await stack.result(id));
}

/** Runs the body while a second compute worker runs, which may end in it. */
async function withSecond(
  body: (second: ChildProcess, port: number) => Promise<void>,
  extra: Record<string, string> = {},
): Promise<void> {
  const [port = 0] = await choosePorts([undefined]);
  const second = await stack.startSecondCompute(port, extra);
  try {
    await body(second, port);
  } finally {
    await ended(second);
  }
}

it('samples in a pool of its own, and trains in none of its workers', () =>
  withSecond(
    async ({ pid }) => {
      whole = await policiesAfter('pooled', recipeOf(2, { rollouts: 'sampling' }));
      expect(await workersOf('pooled', 'rollout')).toEqual(new Set([pid]));
      expect(await workersOf('pooled', 'optimize')).not.toContain(pid);
    },
    { MTRL_POOL: 'sampling' },
  ));

it('fails no activity and ends with the same policy when a compute worker gets SIGTERM in the middle of a step', async () => {
  // A pool with one worker at a time: a run would stay with the worker that holds its policy.
  const pool = { MTRL_POOL: 'drained' };
  const recipe = recipeOf(1, { rollouts: 'drained', training: 'drained' });
  await withSecond(async (second, port) => {
    await stack.startExperiment('drained', recipe);
    while (!(await runHasStarted('drained/mt-rl/s0'))) await sleep(50);
    const exit = once(second, 'exit');
    await stack.endDuring('drained/mt-rl/s0', 'step', second.pid ?? 0);
    expect((await exit)[0]).toBe(0);
    expect(await healthOf(port, 'livez')).toBeUndefined();
  }, pool);
  await withSecond(async () => {
    expect(policiesOf(await stack.result('drained'))).toEqual(whole);
  }, pool);
  expect(await repeatedCount('drained')).toBe(0);
});

it('ends with the same policy for 4 shards when one of two workers is killed for good', () =>
  withSecond(async (second) => {
    const policies = await policiesAfter('killed', recipeOf(4), async () => {
      await stack.stepReached('killed/mt-rl/s0', 1);
      await stack.endDuring('killed/mt-rl/s0', 'rollout', second.pid ?? 0, 'SIGKILL');
    });
    expect(policies).toEqual(whole);
    expect(await repeatedCount('killed', 'rollout')).toBeGreaterThan(0);
  }));

it('ends with the same policy when the next rollouts are sampled in a pool and the trainer is killed meanwhile', async () => {
  const sampledAhead = await policiesAfter('stale-one', recipeOf(1, undefined, stale));
  await withSecond(
    async () => {
      const disturbed = await policiesAfter('stale-two', recipeOf(2, { rollouts: 'sampling' }, stale), async () => {
        await stack.stepReached('stale-two/mt-rl/s0', 1);
        await stack.killDuring('stale-two/mt-rl/s0', 'optimize');
        await stack.up();
      });
      expect(disturbed).toEqual(sampledAhead);
    },
    { MTRL_POOL: 'sampling' },
  );
});

async function ended(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const exit = once(worker, 'exit');
  worker.kill('SIGKILL');
  await exit;
}

function runHasStarted(runId: string): Promise<boolean> {
  return stack.withClient((client) =>
    client.workflow
      .getHandle(runId)
      .describe()
      .then(
        () => true,
        () => false,
      ),
  );
}

function eventsOf(experimentId: string) {
  return stack.withClient(async (client) => {
    const { events } = await client.workflow.getHandle(`${experimentId}/mt-rl/s0`).fetchHistory();
    return events ?? [];
  });
}

/** Process ids of the workers that did an activity of an experiment's RL run. */
async function workersOf(experimentId: string, activity: string): Promise<Set<number>> {
  const wanted = new Set<string>();
  const pids = new Set<number>();
  for (const event of await eventsOf(experimentId)) {
    const { activityTaskScheduledEventAttributes: scheduled, activityTaskStartedEventAttributes: started } = event;
    if (scheduled?.activityType?.name === activity) wanted.add(String(event.eventId));
    if (started && wanted.has(String(started.scheduledEventId))) pids.add(Number(started.identity?.split('@')[0]));
  }
  return pids;
}

async function repeatedCount(experimentId: string, activity?: string): Promise<number> {
  const repeated = repeatedActivities(await eventsOf(experimentId));
  return repeated.filter((type) => activity === undefined || type === activity).length;
}
