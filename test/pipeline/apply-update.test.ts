import { describe, expect, it } from 'vitest';
import { required } from '../../core/assert.ts';
import { applySteps, type ReadyStep } from '../../pipeline/training/apply-update.ts';
import { FakeEngine } from './fake-engine.ts';

const adam = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientNormMax: 1 };
const tokens = { stopTokenId: 1, padTokenId: 0, bannedTokenIds: [] };

function grpoStep(changes: Partial<ReadyStep> = {}): ReadyStep {
  const completion = { tokenIds: [5, 1], tokenWeight: 0.5, advantage: 1, logProbs: [-0.5, -0.25] };
  return {
    step: 7,
    learningRate: 1e-3,
    groups: [{ prompt: { tokenIds: [2, 3], images: [] }, completions: [completion, completion] }],
    droppedGroupCount: 1,
    loss: { name: 'ppo', clipLow: 0.2, clipHigh: 0.2, klCoefficient: 0 },
    temperature: 1,
    logProbToleranceMax: 1e-4,
    ...changes,
  };
}

const apply = (engine: FakeEngine, ...steps: ReadyStep[]) => applySteps(engine, { steps, tokens }, { adam });
const skipping = { skips: ['NON_FINITE', 'LOGPROB_MISMATCH'] } as const;

it('reports the largest difference between rollout and trainer log-probs, and the KL between them', async () => {
  const engine = new FakeEngine();
  engine.logProbError = 5e-5;
  const [outcome] = await apply(engine, grpoStep());
  expect(outcome).toMatchObject({ step: 7, loss: 1, gradientNorm: 1, droppedGroupCount: 1 });
  expect(outcome?.logProbDifferenceMax).toBeCloseTo(5e-5, 9);
  // exp(d) - 1 - d is d^2 / 2 for a small difference d, whatever its sign.
  expect(required(outcome?.samplerKlMean, 'KL') / (5e-5 ** 2 / 2)).toBeCloseTo(1, 3);
});

it.each([2e-4, Number.NaN])('stops before the weights change if they differ by %s', async (error) => {
  const engine = new FakeEngine();
  engine.logProbError = error;
  await expect(apply(engine, grpoStep())).rejects.toMatchObject({ code: 'LOGPROB_MISMATCH' });
  expect(engine.weights).toEqual([]);
});

it('allows an unlikely token a larger difference, as its log-prob is larger', async () => {
  const { groups } = grpoStep();
  const unlikely = { tokenIds: [5, 1], tokenWeight: 0.5, advantage: 1, logProbs: [-6.5, -4.5] };
  const step = grpoStep({ groups: groups.map((group) => ({ ...group, completions: [unlikely, unlikely] })) });
  const engine = new FakeEngine();
  engine.logProbError = 4e-4;
  const [outcome] = await apply(engine, step);
  expect(outcome?.logProbDifferenceMax).toBeCloseTo(4e-4, 9);
  engine.logProbError = 5e-4;
  await expect(apply(engine, step)).rejects.toMatchObject({
    code: 'LOGPROB_MISMATCH',
    details: { found: expect.stringMatching(/^-4\.5 and .* at most 0\.00045/) as string },
  });
});

it('stops when one log-prob is not a number and those after it agree', async () => {
  const { groups } = grpoStep();
  const broken = { tokenIds: [5, 1], tokenWeight: 0.5, advantage: 1, logProbs: [Number.NaN, -0.25] };
  const step = grpoStep({ groups: groups.map((group) => ({ ...group, completions: [broken, broken] })) });
  await expect(apply(new FakeEngine(), step)).rejects.toMatchObject({ code: 'LOGPROB_MISMATCH' });
});

it.each(['lossValue', 'normValue'] as const)('stops if %s is not finite', async (what) => {
  const engine = new FakeEngine();
  engine[what] = Number.NaN;
  await expect(apply(engine, grpoStep())).rejects.toMatchObject({ code: 'NON_FINITE', details: { where: 'step 7' } });
});

it('makes no update if every group was dropped: momentum alone must not change the weights', async () => {
  const engine = new FakeEngine();
  const [outcome] = await apply(engine, grpoStep({ groups: [], droppedGroupCount: 4 }));
  expect(engine.calls).toEqual([]);
  expect(outcome).toMatchObject({ loss: 0, gradientNorm: 0, droppedGroupCount: 4 });
});

it('computes log-probs of the reference policy only with a KL term', async () => {
  const engine = new FakeEngine();
  await apply(engine, grpoStep());
  expect(engine.calls).not.toContain('forward');
  await apply(engine, grpoStep({ loss: { name: 'ppo', clipLow: 0.2, clipHigh: 0.2, klCoefficient: 0.01 } }));
  expect(engine.calls).toContain('forward');
});

it('prepares the trainable parameters before the first step, even before an empty one, so that a replay begins the same way', async () => {
  const engine = new FakeEngine();
  const trainable = { lora: { rank: 2, alpha: 4, modules: ['q_proj'], seed: 3 } };
  await applySteps(engine, { steps: [grpoStep({ groups: [] }), grpoStep()], tokens }, { adam, trainable });
  expect(engine.calls[0]).toBe('prepare');
  expect(engine.calls.filter((call) => call === 'prepare')).toHaveLength(1);
});

describe('with guards that skip', () => {
  const guarded = (engine: FakeEngine, ...steps: ReadyStep[]) =>
    applySteps(engine, { steps, tokens }, { adam, guards: skipping });

  it.each([
    ['NON_FINITE', 'NaN', { lossValue: Number.NaN }],
    ['LOGPROB_MISMATCH', '-0.5 and 0 for a token, a difference of at most 0.0001 is allowed', { logProbError: 0.5 }],
  ])('leaves the weights as they were after %s, records what was found, and goes on', async (code, found, broken) => {
    const good = { lossValue: 1, logProbError: 0 };
    const engine = Object.assign(new FakeEngine(), broken);
    // The second step's numbers are good again.
    engine.onForwardBackward = (callCount) => Object.assign(engine, callCount === 1 ? broken : good);
    const [first, second] = await guarded(engine, grpoStep(), grpoStep({ step: 8 }));
    const bad = { code, found, skipped: true };
    expect(first).toMatchObject({ step: 7, loss: 0, gradientNorm: 0, tokenCount: 0, bad });
    expect(second).toMatchObject({ step: 8, loss: 1 });
    expect(second).not.toHaveProperty('bad');
    expect(engine.calls).toEqual(['forwardBackward', 'forwardBackward', 'optimStep']);
    // Else the second update would also apply the gradient of the first.
    expect(engine.startsAnew).toEqual([true, true]);
  });

  it('still end the run for a code that they do not name', async () => {
    const engine = Object.assign(new FakeEngine(), { lossValue: Number.NaN });
    const guards = { skips: ['LOGPROB_MISMATCH'] } as const;
    const applied = applySteps(engine, { steps: [grpoStep()], tokens }, { adam, guards });
    await expect(applied).rejects.toMatchObject({ code: 'NON_FINITE' });
  });

  it.each([true, false])('record a collapsed step, and make its update unless it is skipped (%s)', async (skipped) => {
    const engine = new FakeEngine();
    const collapsed = { code: 'POLICY_COLLAPSED', found: 'entropyMin 1: found 0.5', skipped } as const;
    const [outcome] = await guarded(engine, grpoStep({ collapsed }));
    expect(outcome?.bad).toEqual(collapsed);
    expect(engine.weights).toHaveLength(skipped ? 0 : 1);
  });
});

it('asks an engine for nothing new without guards', async () => {
  const engine = new FakeEngine();
  await apply(engine, grpoStep());
  expect(engine.startsAnew).toEqual([undefined]);
});
