/** The S3 requests and bytes that `mtrl plan` counts per activity are those of real activities. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { activityRequests, judgmentByteLength, recordByteLength, tokenByteLength } from '../../cli/plan/store-use.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { realActivities } from '../support/real-activities.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-requests-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Reads of rows and pictures are counted by example; the store's clock is known after its first answer. */
const uncounted = ['open', 'timeMs', 'uriOf', 'keyOf'];

it('counts the requests and bytes of a step, a snapshot and an evaluation', async () => {
  let requestCount = 0;
  const objects = new Proxy(new FolderObjectStore(join(root, 'store')), {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (!uncounted.includes(String(name))) requestCount++;
        return Reflect.apply(value, target, args);
      };
    },
  });
  // Two workers with caches of their own, as control and compute workers are.
  const control = await realActivities(new ArtifactStore(objects), join(root, 'control'));
  const compute = await realActivities(new ArtifactStore(objects), join(root, 'compute'));
  const counted = async <T>(work: Promise<T>): Promise<{ readonly result: T; readonly requests: number }> => {
    const before = requestCount;
    return { result: await work, requests: requestCount - before };
  };
  try {
    const { recipe } = await control.run(control.control.prepare, {
      recipe: tinyRecipe({ sftStepCount: 2, grpoStepCount: 2 }),
    });
    const { dataset } = await control.run(control.control.ingest, { recipe });
    const { policy: initial } = await compute.run(compute.compute.importPolicy, { recipe });
    const ref = { recipe, dataset, arm: 'mt-rl', seed: 0 };
    const { plan } = await control.run(control.control.mix, ref);
    const step = async (index: number, policy: typeof initial) => {
      const shard = { index: 0, count: 1 };
      const rollout = await counted(compute.run(compute.compute.rollout, { ...ref, plan, step: index, shard, policy }));
      const rollouts = [rollout.result.rollouts];
      const reward = await counted(control.run(control.control.reward, { ...ref, step: index, rollouts }));
      const update = { ...ref, plan, fromStep: index, toStep: index + 1, policy, rollouts };
      const optimize = await counted(
        compute.run(compute.compute.optimize, { ...update, rewards: reward.result.rewards }),
      );
      return { rollout, reward, optimize };
    };
    // The first step also reads what every later one finds in the worker.
    const first = await step(0, initial);
    const policy = { ...initial, log: [first.optimize.result.record] };
    const { rollout, reward, optimize } = await step(1, policy);
    expect({ rollout: rollout.requests, reward: reward.requests, optimize: optimize.requests }).toEqual({
      rollout: activityRequests.rollout,
      reward: activityRequests.reward(1),
      optimize: activityRequests.optimize(1),
    });

    // One activity whose parts pass rollouts and rewards on within the worker.
    const whole = { ...ref, plan, step: 1, policy, seed: 1 };
    const atOnce = await counted(compute.run(compute.compute.step, whole));
    expect([atOnce.requests, atOnce.result.reward.cached]).toEqual([activityRequests.step, false]);

    const { rolloutCount, tokenCount } = rollout.result;
    const stored = rollout.result.rollouts.byteLength + reward.result.rewards.byteLength;
    const planned = rolloutCount * judgmentByteLength + tokenCount * tokenByteLength;
    expect(planned).toBeGreaterThan(0.8 * stored);
    expect(planned).toBeLessThan(1.5 * stored);
    const { byteLength } = optimize.result.record;
    expect(byteLength).toBeLessThan(recordByteLength);
    expect(byteLength).toBeGreaterThan(recordByteLength / 2);

    const log = [...policy.log, optimize.result.record];
    const snapshot = await counted(compute.run(compute.compute.snapshot, { policy: { ...initial, log }, step: 2 }));
    expect(snapshot.requests).toBe(activityRequests.snapshot);
    const judge = { snapshot: snapshot.result.snapshot, log: [] };
    const evaluate = { ...ref, policy: judge, split: 'test' as const, mode: 'direct' as const };
    await compute.run(compute.compute.evaluate, { ...evaluate, task: 'safety' });
    const second = await counted(compute.run(compute.compute.evaluate, { ...evaluate, task: 'technical' }));
    expect(second.requests).toBe(activityRequests.evaluate);
  } finally {
    await Promise.all([control.close(), compute.close()]);
  }
});
