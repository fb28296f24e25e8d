/** Steps of several updates, from recorded rollouts and rewards to an engine's calls and the step's record. */
import { describe, expect, it } from 'vitest';
import type { Format } from '../../artifacts/format.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { required } from '../../core/assert.ts';
import type { PromptedDataset } from '../../pipeline/asking/prompts/prompter.ts';
import type { ComputeContext } from '../../pipeline/compute-context.ts';
import type { JsonCache } from '../../pipeline/json-cache.ts';
import { createReplay } from '../../pipeline/policies/replay.ts';
import { lastDigest, type RlUpdate } from '../../pipeline/policies/step-record.ts';
import { applySteps, type ReadyStep } from '../../pipeline/training/apply-update.ts';
import { planUpdate, readySteps } from '../../pipeline/training/updates/table.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { TrainGroup } from '../../policy/engine.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { refTo } from '../workflows/made-up-activities.ts';
import { FakeEngine } from './fake-engine.ts';

const rollout = { tokenIds: [5, 1], logProbs: [-1, -0.5], finishReason: 'stop', text: '' };
const named = (uri: string): ArtifactRef => ({ ...refTo(uri), uri });

/** Four prompts with two rollouts each; by default, the rewards of every prompt differ. */
function stored(rewards: readonly (readonly number[])[], each: object = rollout): JsonCache {
  const values: Record<string, unknown> = {
    shard: {
      prompts: rewards.map((_, exampleIndex) => ({ exampleIndex, exampleId: 'e', rollouts: [each, each] })),
    },
    rewards: {
      prompts: rewards.map((of) => ({
        rollouts: of.map((value) => ({ reward: { value, accuracy: value, format: 0 } })),
      })),
    },
  };
  return { getDocument: ({ uri }: ArtifactRef) => Promise.resolve(values[uri]) } as unknown as JsonCache;
}

const prompted = {
  dataset: {
    examplesAt: (rows: readonly number[]) =>
      Promise.resolve(rows.map((index) => ({ id: 'e', task: 'safety', index, images: [] }))),
  },
  encode: ({ index }: { index: number }) => Promise.resolve({ tokenIds: [index], images: [] }),
  tokens: { stopTokenId: 1, padTokenId: 0, bannedTokenIds: [] },
} as unknown as PromptedDataset;

async function planned(change: object, stale: { stalenessStepCount?: number } = {}): Promise<RlUpdate> {
  const recipe = tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 });
  const changed = { ...recipe, arms: { ...recipe.arms, 'mt-rl': { ...recipe.arms['mt-rl'], ...change } } };
  const run = { recipe: refTo('recipe'), dataset: refTo('dataset'), arm: 'mt-rl', seed: 7, plan: refTo('plan') };
  const made = { rollouts: [named('shard')], rewards: named('rewards'), policy: { snapshot: refTo('base'), log: [] } };
  const input = { ...run, fromStep: 3, toStep: 4, ...made, ...stale, reference: { snapshot: refTo('base'), log: [] } };
  return (await planUpdate(parseRecipe(changed), input, () => Promise.resolve(Uint32Array.of()))) as RlUpdate;
}

interface Given {
  readonly engine?: FakeEngine;
  readonly rewards?: readonly (readonly number[])[];
  readonly stalenessStepCount?: number;
}

async function applied(
  change: object,
  { engine = new FakeEngine(), rewards = Array<number[]>(4).fill([1, 0]), ...stale }: Given = {},
) {
  const update = await planned(change, stale);
  const outcomes = await applySteps(engine, await readySteps(stored(rewards), prompted, update), update);
  return { engine, update, outcome: required(outcomes[0], 'an outcome') };
}

/** Calls of the engine without those that prepare it. */
const callsOf = ({ calls }: FakeEngine): readonly string[] => calls.filter((call) => call !== 'prepare');
const oneUpdate = ['forwardBackward', 'optimStep', 'digest'];

describe('a step of several updates', () => {
  it('makes updateCount updates in each of epochCount passes, and records each with the digest of its weights', async () => {
    const { engine, update, outcome } = await applied({ updateCount: 2, epochCount: 2 });
    expect(update.minibatches).toEqual({ updateCount: 2, epochCount: 2, seed: 7 });
    expect(callsOf(engine)).toEqual(Array<string[]>(4).fill(oneUpdate).flat());
    const digests = outcome.updates?.map(({ weightsDigest }) => weightsDigest);
    expect(new Set(digests).size).toBe(4);
    expect(lastDigest([outcome])).toBe(await engine.weightsDigest());
    expect(outcome).toMatchObject({ step: 3, loss: 1, gradientNorm: 1, tokenCount: 4, droppedGroupCount: 0 });
  });

  it('compares log-probs with the rollouts in the first update alone, before the weights change', async () => {
    const broken = new FakeEngine();
    broken.logProbError = 2e-4;
    await expect(applied({ updateCount: 2 }, { engine: broken })).rejects.toMatchObject({ code: 'LOGPROB_MISMATCH' });
    expect(broken.weights).toEqual([]);
    // A policy that has changed gives other log-probs than it sampled with.
    const engine = new (class extends FakeEngine {
      override optimStep(request: { readonly learningRate: number }) {
        this.logProbError = Math.log(1.5);
        return super.optimStep(request);
      }
    })();
    const { outcome } = await applied({ updateCount: 4 }, { engine });
    expect([outcome.logProbDifferenceMax, outcome.samplerKlMean]).toEqual([0, 0]);
    // Ratios of the first update are 1, those of the others 1.5: beyond 1.2 for the better half of their tokens.
    expect(outcome.updates?.map(({ ratio }) => ratio?.clippedShare)).toEqual([0, 0.5, 0.5, 0.5]);
    expect(outcome.ratio).toMatchObject({ count: 16, clippedShare: 0.375 });
    expect(outcome.ratio?.mean).toBeCloseTo(1.375, 12);
    expect(outcome.ratio?.max).toBeCloseTo(1.5, 12);
  });

  it('skips a minibatch without informative groups, and guards the first update that is made', async () => {
    const rewards = [
      [1, 1],
      [1, 1],
      [0, 0],
      [1, 0],
    ];
    const { engine, outcome } = await applied({ updateCount: 4 }, { rewards });
    expect(callsOf(engine)).toEqual(oneUpdate);
    expect(outcome.updates?.map(({ droppedGroupCount }) => droppedGroupCount).sort()).toEqual([0, 1, 1, 1]);
    expect(outcome).toMatchObject({ loss: 1, tokenCount: 1, droppedGroupCount: 3 });
    const broken = new FakeEngine();
    broken.logProbError = 2e-4;
    await expect(applied({ updateCount: 4 }, { engine: broken, rewards })).rejects.toMatchObject({
      code: 'LOGPROB_MISMATCH',
    });
  });

  it('makes no update if no group is informative', async () => {
    const { engine, outcome } = await applied({ updateCount: 2 }, { rewards: Array<number[]>(4).fill([1, 1]) });
    expect(callsOf(engine)).toEqual([]);
    expect(outcome).toMatchObject({ loss: 0, gradientNorm: 0, droppedGroupCount: 4 });
    expect(lastDigest([outcome])).toBeUndefined();
  });

  it('asks the reference once, before the first update, whatever the number of passes', async () => {
    for (const algorithm of ['grpo', 'rloo']) {
      const { engine } = await applied({ algorithm, klCoefficient: 0.1, updateCount: 2, epochCount: 2 });
      expect(callsOf(engine)).toEqual(['forward', ...Array<string[]>(4).fill(oneUpdate).flat()]);
    }
  });

  it('with pairs, asks the reference once and records their number, margin and accuracy', async () => {
    const rewards = [
      [1, 0],
      [1, 1],
      [0, 1],
      [1, 0],
    ];
    // A policy that gives every token a little more than the reference: the two completions of a pair move alike.
    const engine = new (class extends FakeEngine {
      override optimStep(request: { readonly learningRate: number }) {
        this.logProbError = 0.1;
        return super.optimStep(request);
      }
    })();
    const { outcome, update } = await applied({ algorithm: 'dpo', updateCount: 2, epochCount: 2 }, { engine, rewards });
    expect(update).toMatchObject({ algorithm: 'dpo', beta: 0.1 });
    expect(update).not.toHaveProperty('clipLow');
    const made = outcome.updates?.filter(({ weightsDigest }) => weightsDigest !== undefined) ?? [];
    expect(callsOf(engine)).toEqual(['forward', ...made.flatMap(() => oneUpdate)]);
    expect(outcome).toMatchObject({ droppedGroupCount: 1, pairs: { count: 3, margin: 0, accuracy: 0 }, klMean: 0 });
    expect(made.reduce((sum, { pairs }) => sum + (pairs?.count ?? 0), 0)).toBe(6);
    expect(outcome).not.toHaveProperty('ratio');
    const none = await applied({ algorithm: 'dpo' }, { rewards: Array<number[]>(4).fill([1, 1]) });
    expect(callsOf(none.engine)).toEqual(['forward']);
    expect(none.outcome).toMatchObject({ loss: 0, droppedGroupCount: 4, pairs: { count: 0 } });
    expect(lastDigest([none.outcome])).toBeUndefined();
  });

  it('a correction compares all rollouts with the trainer at the start of the step', async () => {
    const { engine } = await applied({ correction: 'token-truncated', updateCount: 2 });
    expect(callsOf(engine)).toEqual(['forward', ...oneUpdate, ...oneUpdate]);
    const broken = new FakeEngine();
    broken.logProbError = 2e-4;
    const late = applied({ correction: 'token-truncated', updateCount: 2 }, { engine: broken });
    await expect(late).rejects.toMatchObject({ code: 'LOGPROB_MISMATCH' });
    expect(callsOf(broken)).toEqual(['forward']);
  });
});

describe('a step whose rollouts an earlier policy sampled', () => {
  const change = { correction: 'token-truncated', stalenessStepCountMax: 1 };

  it('is not held to the log-probs of the rollouts, and records how old they are and what the correction did', async () => {
    // The policy gives every token three times the probability that the earlier one gave it.
    const trained: TrainGroup[] = [];
    const engine = new (class extends FakeEngine {
      override async forward(request: { readonly groups: readonly TrainGroup[] }) {
        this.logProbError = Math.log(3);
        const logProbs = await super.forward(request);
        this.logProbError = 0;
        return logProbs;
      }
      override forwardBackward(request: { readonly groups: readonly TrainGroup[] }) {
        trained.push(...request.groups);
        return super.forwardBackward(request);
      }
    })();
    const { update, outcome } = await applied(change, { engine, stalenessStepCount: 1 });
    expect(callsOf(engine)).toEqual(['forward', ...oneUpdate]);
    // Sixteen tokens, each weighted by 3, truncated to 2.
    expect(trained.flatMap(({ completions }) => completions.map(({ tokenWeight }) => tokenWeight))).toEqual(
      Array<number[]>(8).fill([2 / 16, 2 / 16]),
    );
    expect(update.stalenessStepCount).toBe(1);
    expect(outcome).toMatchObject({ logProbDifferenceMax: 0, correction: { limitedShare: 1 } });
    expect(outcome.correction?.ratioMean).toBeCloseTo(3, 12);
    expect(outcome.correction?.ratioMax).toBeCloseTo(3, 12);
    // Those that the loss clips are to the policy at the step's start, and not to the one that sampled.
    expect(outcome.ratio).toMatchObject({ mean: 1, clippedShare: 0 });
  });

  it('is held to them where the same arm samples with the policy that it trains', async () => {
    const { update, outcome } = await applied(change, { stalenessStepCount: 0 });
    expect(update.stalenessStepCount).toBe(0);
    expect(outcome).not.toHaveProperty('correction');
    const broken = new FakeEngine();
    broken.logProbError = 2e-4;
    const late = applied(change, { engine: broken, stalenessStepCount: 0 });
    await expect(late).rejects.toMatchObject({ code: 'LOGPROB_MISMATCH' });
  });
});

describe('a step of several updates whose arm has guards', () => {
  const guards = { nonFinite: 'skip', logProbMismatch: 'skip' };
  const broken = (callCount: number) =>
    Object.assign(new FakeEngine(), {
      onForwardBackward(this: FakeEngine, now: number) {
        this.lossValue = now === callCount ? Number.NaN : 1;
      },
    });

  it.each([1, 2])('skips update %i alone, and replays to the same weights', async (callCount) => {
    const { engine, outcome, update } = await applied({ updateCount: 2, guards }, { engine: broken(callCount) });
    const bad = { code: 'NON_FINITE', found: 'NaN', skipped: true };
    expect(outcome.bad).toEqual(bad);
    expect(outcome.updates?.map((one) => one.bad)).toEqual(callCount === 1 ? [bad, undefined] : [undefined, bad]);
    expect(outcome).toMatchObject({ loss: 1, gradientNorm: 1, tokenCount: 1 });
    expect(lastDigest([outcome])).toBe(await engine.weightsDigest());
    expect(update.guards).toEqual({ skips: ['NON_FINITE', 'LOGPROB_MISMATCH'] });
    const again = broken(callCount);
    const ready = await readySteps(stored(Array<number[]>(4).fill([1, 0])), prompted, update);
    expect(await applySteps(again, ready, update)).toEqual([outcome]);
    expect(again.weights).toEqual(engine.weights);
  });

  it('makes no update at all from rollouts of another policy', async () => {
    const engine = Object.assign(new FakeEngine(), { logProbError: 2e-4 });
    const { outcome } = await applied({ updateCount: 2, guards }, { engine });
    expect(outcome).toMatchObject({ loss: 0, bad: { code: 'LOGPROB_MISMATCH', skipped: true } });
    expect(callsOf(engine)).toEqual(['forwardBackward']);
  });

  // Two tokens a completion with log-probs -1 and -0.5; half of the rewards are 1; the format is never right.
  it.each([
    [{ rewardMin: 0.6 }, 'rewardMin 0.6: found 0.5000'],
    [{ entropyMin: 0.8 }, 'entropyMin 0.8: found 0.7500'],
    [{ formatRateMin: 0.1 }, 'formatRateMin 0.1: found 0.000'],
    [{ completionTokenCountMin: 3 }, 'completionTokenCountMin 3: found 2.000'],
    [{ completionTokenCountMax: 1.5, rewardMin: 0.5 }, 'completionTokenCountMax 1.5: found 2.000'],
    [{ entropyMin: 0.75, completionTokenCountMin: 2, completionTokenCountMax: 2, formatRateMin: 0 }, undefined],
  ])('compares the means of its rollouts with %j', async (limits, found) => {
    const collapse = { action: 'skip', ...limits };
    const { engine, outcome } = await applied({ guards: { collapse } });
    const bad = found === undefined ? undefined : { code: 'POLICY_COLLAPSED', found, skipped: true };
    expect(outcome.bad).toEqual(bad);
    expect(engine.weights.length).toBe(bad ? 0 : 1);
  });

  it('makes the update of a collapsed step if the arm only stops or goes back after several', async () => {
    const { engine, outcome } = await applied({ guards: { collapse: { rewardMin: 0.6 } } });
    expect(outcome.bad).toMatchObject({ code: 'POLICY_COLLAPSED', skipped: false });
    expect(engine.weights).toHaveLength(1);
  });

  it('has the record that it had without guards if none of them is for a step to apply', async () => {
    const { update } = await applied({ guards: { nonFinite: 'rewind' } });
    expect(update).toEqual((await applied({})).update);
  });
});

describe('a replay of such a step', () => {
  async function replayedBy(engine: FakeEngine) {
    const { update, outcome } = await applied({ updateCount: 2 });
    const runtime = {
      backend: 'fake',
      runtimeVersion: '1',
      executionProvider: 'none',
      threadCount: 1,
      cpuModel: 'fake',
    };
    const record = { schema: 1, update, steps: [outcome], weightsDigest: lastDigest([outcome]), runtime };
    const others = stored(Array<number[]>(4).fill([1, 0]));
    const context = {
      cache: {
        getDocument: (ref: ArtifactRef, format: Format<unknown>) =>
          ref.uri === 'record' ? Promise.resolve(record) : others.getDocument(ref, format),
      },
      processors: { of: () => Promise.resolve({}) },
      prompter: { open: () => Promise.resolve(prompted) },
    } as unknown as ComputeContext;
    const asked = { engine, snapshot: refTo('base'), record: named('record'), runtime };
    return createReplay(() => context)({ ...asked, bringReference: () => Promise.resolve() });
  }

  it('makes the same updates', async () => {
    const engine = new FakeEngine();
    const { step, update, weightsDigest, recordedDigest } = await replayedBy(engine);
    expect({ step, update }).toEqual({ step: 3, update: undefined });
    expect(weightsDigest).toBe(recordedDigest);
    expect(weightsDigest).toBe(await engine.weightsDigest());
  });

  it('names the first update that gave other weights', async () => {
    const engine = new (class extends FakeEngine {
      override async optimStep(request: { readonly learningRate: number }) {
        const isSecond = this.calls.filter((call) => call === 'optimStep').length === 1;
        return super.optimStep({ learningRate: isSecond ? 1 : request.learningRate });
      }
    })();
    const { update, weightsDigest, recordedDigest } = await replayedBy(engine);
    expect(update).toBe(1);
    expect(weightsDigest).not.toBe(recordedDigest);
  });
});

it.each([{}, { updateCount: 2 }])('kept tokens of rollouts reach the engine, with %j', async (change) => {
  const update = await planned(change);
  const kept = { ...rollout, keptTokenIds: [[5, 6], [1]] };
  const cache = stored(Array<number[]>(4).fill([1, 0]), kept);
  const [step] = [...((await readySteps(cache, prompted, update)).steps as Iterable<ReadyStep>)];
  const groups = [...(step?.groups ?? []), ...(step?.split?.updatesOf({}).flatMap((own) => own.groups) ?? [])];
  expect(groups.length).toBe('updateCount' in change ? 8 : 4);
  for (const { completions } of groups)
    expect(completions.map(({ keptTokenIds }) => keptTokenIds)).toEqual([kept.keptTokenIds, kept.keptTokenIds]);
});

it('one update and one pass are recorded as before there were several', async () => {
  const { engine, update, outcome } = await applied({ updateCount: 1, epochCount: 1 });
  expect(update).not.toHaveProperty('minibatches');
  expect(callsOf(engine)).toEqual(['forwardBackward', 'optimStep']);
  const known = ['step', 'loss', 'gradientNorm', 'learningRate', 'tokenCount', 'logProbDifferenceMax', 'samplerKlMean'];
  expect(Object.keys(outcome).sort()).toEqual([...known, 'droppedGroupCount'].sort());
  const settings = ['clipLow', 'clipHigh', 'klCoefficient'];
  const { clipLow, clipHigh, klCoefficient } = update as RlUpdate & Record<string, number>;
  expect({ clipLow, clipHigh, klCoefficient }).toEqual({ clipLow: 0.2, clipHigh: 0.2, klCoefficient: 0 });
  const own = ['dataset', 'prompting', 'adam', 'objective', 'algorithm', 'step', 'learningRate', 'mode', 'rollouts'];
  const others = ['rewards', 'temperature', 'logProbToleranceMax', 'reference'];
  expect(Object.keys(update).sort()).toEqual([...settings, ...own, ...others].sort());
});
