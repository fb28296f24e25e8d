/**
 * The digest of a policy does not depend on how its rollouts are split, nor on which workers do what, nor on a worker
 * that dies in the middle of a step; also if the rollouts of the next step are sampled meanwhile.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { choosePorts } from '../../infra/stack/ports.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { policiesOf, WholeStack } from './whole-stack.ts';

const tiny = tinyRecipe({ sftStepCount: 10, grpoStepCount: 8 });

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
let ports: number[];

beforeAll(async () => {
  stack = await WholeStack.start();
  ports = await choosePorts([undefined, undefined]);
});

afterAll(() => stack.stop());

it('ends with the same policy for 1, 2 and 4 shards, in pools, and when one of two workers is killed for good', async () => {
  const policiesAfter = async (id: string, recipe: RecipeInput, disturb = () => Promise.resolve()) => {
    await stack.startExperiment(id, recipe);
    await disturb();
    return policiesOf(await stack.result(id));
  };
  const whole = await policiesAfter('one', recipeOf(1));
  const sampledAhead = await policiesAfter('stale-one', recipeOf(1, undefined, stale));

  const sampler = await stack.startSecondCompute(ports[0] ?? 0, { MTRL_POOL: 'sampling' });
  try {
    const pooled = await policiesAfter('two', recipeOf(2, { rollouts: 'sampling' }));
    expect(pooled).toEqual(whole);
    expect(await workersOf('two', 'rollout')).toEqual(new Set([sampler.pid]));
    expect(await workersOf('two', 'optimize')).not.toContain(sampler.pid);
    const disturbed = await policiesAfter('stale-two', recipeOf(2, { rollouts: 'sampling' }, stale), async () => {
      await stack.stepReached('stale-two/mt-rl/s0', 1);
      await stack.killDuring('stale-two/mt-rl/s0', 'optimize');
      await stack.up();
    });
    expect(disturbed).toEqual(sampledAhead);
  } finally {
    await ended(sampler);
  }

  const second = await stack.startSecondCompute(ports[1] ?? 0);
  try {
    const disturbed = await policiesAfter('four', recipeOf(4), async () => {
      await stack.stepReached('four/mt-rl/s0', 1);
      await stack.endDuring('four/mt-rl/s0', 'rollout', second.pid ?? 0, 'SIGKILL');
    });
    expect(disturbed).toEqual(whole);
    expect(await retriedCount('four', 'rollout')).toBeGreaterThan(0);
  } finally {
    await ended(second);
  }
});

async function ended(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const exit = once(worker, 'exit');
  worker.kill('SIGKILL');
  await exit;
}

/** Starts of an activity in the history of an experiment's RL run: process ids of the workers, and attempts. */
async function startsOf(experimentId: string, activity: string) {
  const handle = (client: Parameters<Parameters<typeof stack.withClient>[0]>[0]) =>
    client.workflow.getHandle(`${experimentId}/mt-rl/s0`).fetchHistory();
  const { events } = await stack.withClient(handle);
  const wanted = new Set<string>();
  const starts: { readonly pid: number; readonly attempt: number }[] = [];
  for (const event of events ?? []) {
    const { activityTaskScheduledEventAttributes: scheduled, activityTaskStartedEventAttributes: started } = event;
    if (scheduled?.activityType?.name === activity) wanted.add(String(event.eventId));
    if (started && wanted.has(String(started.scheduledEventId)))
      starts.push({ pid: Number(started.identity?.split('@')[0]), attempt: started.attempt ?? 1 });
  }
  return starts;
}

async function workersOf(experimentId: string, activity: string): Promise<Set<number>> {
  return new Set((await startsOf(experimentId, activity)).map(({ pid }) => pid));
}

async function retriedCount(experimentId: string, activity: string): Promise<number> {
  return (await startsOf(experimentId, activity)).filter(({ attempt }) => attempt > 1).length;
}
