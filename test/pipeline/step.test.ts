/** A step in one activity: a crash costs the part that was in progress, not the step. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { demoVerdicts, MadeUpEngine } from '../../bench/made-up-engine.ts';
import { MtrlError } from '../../core/errors.ts';
import type { OptimStepRequest } from '../../policy/engine.ts';
import { FolderStates } from '../../policy/engines/embedded/folder-states.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { realActivities } from '../support/real-activities.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-step-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

it('finds the rollouts and rewards of the attempt that failed in its update, and gives what three activities give', async () => {
  const store = new ArtifactStore(new FolderObjectStore(join(root, 'store')));
  const states = new FolderStates(store, join(root, 'states'));
  let crashCount = 1;
  class CrashingEngine extends MadeUpEngine {
    override optimStep(request: OptimStepRequest) {
      if (crashCount-- > 0) return Promise.reject(new MtrlError('COMPUTE_CRASHED', 'the compute process ended'));
      return super.optimStep(request);
    }
  }
  const start = () => new CrashingEngine(states, demoVerdicts());
  const { control, compute, run, close } = await realActivities(store, join(root, 'spool'), { states, start });
  try {
    const { recipe } = await run(control.prepare, { recipe: tinyRecipe({ sftStepCount: 2, grpoStepCount: 2 }) });
    const { dataset } = await run(control.ingest, { recipe });
    const { policy } = await run(compute.importPolicy, { recipe });
    const ref = { recipe, dataset, arm: 'mt-rl', seed: 0 };
    const { plan } = await run(control.mix, ref);
    const input = { ...ref, plan, step: 0, policy };
    await expect(run(compute.step, input)).rejects.toMatchObject({ type: 'COMPUTE_CRASHED' });
    const { rollout, reward, update } = await run(compute.step, input);
    expect([rollout.cached, reward.cached, update.cached]).toEqual([true, true, false]);

    const shard = { index: 0, count: 1 };
    const parted = await run(compute.rollout, { ...ref, plan, step: 0, policy, shard });
    const rollouts = [parted.rollouts];
    const { rewards } = await run(control.reward, { ...ref, step: 0, rollouts });
    const optimized = { ...ref, plan, fromStep: 0, toStep: 1, policy, rollouts, rewards };
    const { record, cached } = await run(compute.optimize, optimized);
    expect({ record, cached }).toEqual({ record: update.record, cached: true });
  } finally {
    await close();
  }
});
