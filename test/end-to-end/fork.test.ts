/**
 * A fork shares the work before its step and ends with exactly the same policies as a run that switches to the new
 * settings at that step.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createComputeActivities } from '../../activities/compute.ts';
import { createControlActivities } from '../../activities/control.ts';
import type { ArmPlan, PolicyState } from '../../contract/activities.ts';
import { EnginePool } from '../../pipeline/policies/engine-pool.ts';
import { StateCache } from '../../pipeline/policies/state-cache.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { openEmbedded } from '../../policy/engines/embedded/open.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { mtrlAt, mtrlJsonAt } from './command-line.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { WholeStack } from './whole-stack.ts';

const tiny = tinyRecipe({ sftStepCount: 12, grpoStepCount: 6 });
const short: RecipeInput = { ...tiny, evaluation: { ...tiny.evaluation, tasks: ['safety'] } };
/** Has a snapshot before the fork. */
const recipe = withMtRl(short, { snapshotEveryStepCount: 3 });
const newRate = 7e-4;

interface Policies {
  readonly arms: readonly { readonly arm: string; readonly policy: { readonly sha256: string } }[];
  readonly cache: { readonly hits: number; readonly misses: number };
}

let stack: WholeStack;
let origin: ReadonlyMap<string, string>;

const policiesOf = ({ arms }: Policies): Map<string, string> =>
  new Map(arms.map(({ arm, policy }) => [arm, policy.sha256]));

async function forked(...args: readonly string[]): Promise<Policies> {
  const document = await mtrlJsonAt(stack.home, 'fork', 'origin', '--wait', ...args);
  return document as unknown as Policies;
}

beforeAll(async () => {
  stack = await WholeStack.start();
  await stack.startExperiment('origin', recipe);
  const { runs } = await stack.result('origin');
  origin = new Map(runs.map(({ plan, checkpoint }) => [plan.arm, checkpoint.sha256]));
});

afterAll(async () => {
  await stack.stop();
});

it('ends with the policies of the origin if nothing is changed', async () => {
  expect(policiesOf(await forked('--from-step', '4', '--arm', 'mt-rl'))).toEqual(origin);
});

it('ends with the same bits as a run with the new settings from that step on, and reports its cache hits', async () => {
  const change = `arms.mt-rl.optimizer.learningRate=${String(newRate)}`;
  const { arms, cache } = await forked('--from-step', '4', '--set', change, '--id', 'faster');
  const policies = policiesOf({ arms, cache });
  expect(policies.get('sft-start')).toBe(origin.get('sft-start'));
  expect(policies.get('mt-rl')).not.toBe(origin.get('mt-rl'));
  expect(policies.get('mt-rl')).toBe(await policyInTwoPhases(4));
  // Steps 0 to 3 and the snapshot after step 2 are shared. Of steps 4 and 5, only step 4's rollouts and work with equal
  // inputs are.
  const { runs } = await stack.result('faster');
  const stages = runs.find(({ plan }) => plan.arm === 'mt-rl')?.stages ?? [];
  const found = Object.fromEntries(stages.map(({ activity, count, cachedCount }) => [activity, [cachedCount, count]]));
  expect(found).toMatchObject({ rollout: [5, 6], optimize: [4, 6], snapshot: [1, 2] });
});

it('splits a supervised update of several steps at the fork, and includes the arms that start from it', async () => {
  const steps = ['--arm', 'sft-start', '--from-step', '6'];
  expect(policiesOf(await forked(...steps))).toEqual(origin);
  const changed = await forked(...steps, '--set', 'arms.sft-start.optimizer.learningRate=1e-3', '--id', 'slower');
  const policies = policiesOf(changed);
  expect(policies.get('sft-start')).not.toBe(origin.get('sft-start'));
  expect(policies.get('mt-rl')).not.toBe(origin.get('mt-rl'));
});

it('can be forked again', async () => {
  const document = await mtrlJsonAt(
    ...[stack.home, 'fork', 'faster', '--wait', '--from-step', '4', '--arm', 'mt-rl'],
    ...['--set', 'arms.mt-rl.optimizer.learningRate=1e-4', '--id', 'back'],
  );
  expect(policiesOf(document as unknown as Policies)).toEqual(origin);
});

it.for<{ args: string[]; exit: number; says: string[] }>([
  {
    args: ['--from-step', '7', '--arm', 'mt-rl'],
    exit: 1,
    says: ['FORK_STEP_UNREACHED', 'mt-rl/s0 has 6 stored steps'],
  },
  { args: ['--from-step', '3'], exit: 2, says: ['USAGE', 'mt-rl', 'sft-start'] },
  { args: ['--from-step', '3', '--arm', 'base'], exit: 2, says: ['FORK_CHANGE_REFUSED', 'mt-rl', 'sft-start'] },
  {
    args: ['--from-step', '3', '--arm', 'mt-rl', '--set', 'tasks.safety.prompt=<image> is it safe'],
    ...{ exit: 2, says: ['FORK_CHANGE_REFUSED', 'tasks.safety.prompt'] },
  },
  {
    args: ['--from-step', '3', '--set', 'arms.mt-rl.stepCount=2'],
    ...{ exit: 2, says: ['FORK_CHANGE_REFUSED', 'arms.mt-rl.stepCount'] },
  },
  {
    args: ['--from-step', '3', '--set', 'arms.mt-rl.groupSise=2'],
    ...{ exit: 2, says: ['RECIPE_INVALID', 'groupSize'] },
  },
])('is refused with $args, naming the valid choices', async ({ args, exit, says }) => {
  const { code, out, err } = await mtrlAt(stack.home, 'fork', 'origin', ...args);
  expect([code, out], err).toEqual([exit, '']);
  for (const part of says) expect(err).toContain(part);
});

/**
 * The oracle: calls the activities of the run directly, on an empty store of its own, with the other recipe from
 * `fromStep` on.
 */
async function policyInTwoPhases(fromStep: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-two-phases-'));
  const store = new ArtifactStore(new FolderObjectStore(join(folder, 'store')));
  const engines = await openEmbedded({ environment: {}, threadCount: 1, store, spoolFolder: folder });
  const enginePool = new EnginePool(1, () => engines.start());
  try {
    const deps = {
      store,
      codeVersion: () => 'oracle',
      log: pino({ enabled: false }),
    };
    const control = createControlActivities(deps);
    const stateCache = new StateCache(engines.states);
    const compute = createComputeActivities({
      ...{ ...deps, enginePool, transfer: engines.states, stateCache, spoolFolder: folder },
    });
    const environment = new MockActivityEnvironment({}, { logger: silentLogger });
    const call = <I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> => environment.run(activity, input);

    const [before, after] = await Promise.all(
      [recipe, withMtRl(recipe, { optimizer: { learningRate: newRate, warmupStepCount: 2 } })].map((each) =>
        call(control.prepare, { recipe: each }),
      ),
    );
    if (!before || !after) throw new Error('no recipes');
    const { dataset } = await call(control.ingest, { recipe: before.recipe });
    let { policy } = await call(compute.importPolicy, { recipe: before.recipe });
    const trained = before.runs.filter(({ objective }) => objective !== 'none');
    for (const plan of trained) {
      if (plan.from) ({ policy } = await call(compute.importPolicy, { recipe: before.recipe, from: policy.snapshot }));
      for (let step = 0; step < plan.stepCount; step++) {
        const isBefore = plan.arm !== 'mt-rl' || step < fromStep;
        policy = await oneStep(plan, step, policy, isBefore ? before.recipe : after.recipe);
      }
      const { snapshot } = await call(compute.snapshot, { policy, step: plan.stepCount });
      policy = { snapshot, log: [] };
    }
    return (await call(compute.snapshot, { policy, step: 0 })).checkpoint.sha256;

    async function oneStep(
      plan: ArmPlan,
      step: number,
      from: PolicyState,
      recipe: typeof dataset,
    ): Promise<PolicyState> {
      const ref = { recipe, dataset, arm: plan.arm, seed: plan.seed };
      const mixture = await call(control.mix, ref);
      const update = { ...ref, plan: mixture.plan, fromStep: step, toStep: step + 1, policy: from };
      if (plan.objective === 'sft') {
        const { record } = await call(compute.optimize, update);
        return { ...from, log: [...from.log, record] };
      }
      const shard = { index: 0, count: 1 };
      const { rollouts } = await call(compute.rollout, { ...ref, plan: mixture.plan, step, shard, policy: from });
      const { rewards } = await call(control.reward, { ...ref, step, rollouts: [rollouts] });
      const { record } = await call(compute.optimize, { ...update, rollouts: [rollouts], rewards });
      return { ...from, log: [...from.log, record] };
    }
  } finally {
    await enginePool.close();
    await rm(folder, { recursive: true, force: true });
  }
}

type RlArmInput = Extract<RecipeInput['arms'][string], { readonly objective: 'rl' }>;

function withMtRl(from: RecipeInput, change: Partial<RlArmInput>): RecipeInput {
  const arm = from.arms['mt-rl'];
  if (arm?.objective !== 'rl') throw new Error('the tiny recipe trains mt-rl by rollouts');
  return { ...from, arms: { ...from.arms, 'mt-rl': { ...arm, ...change } } };
}
