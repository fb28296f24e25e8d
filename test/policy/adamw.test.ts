/** AdamW against torch (test/fixtures/adamw/generate.py): parity, no decay of norms, learning rate schedule. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeSafetensors } from '../../artifacts/codecs/safetensors.ts';
import { readFloat32 } from '../../artifacts/codecs/tensor-values.ts';
import { required } from '../../core/assert.ts';
import { float32, floatScalar } from '../../policy/engines/embedded/packing/prompt-batch.ts';
import { emitOnnx } from '../../policy/graph/emit.ts';
import type { ParameterSpec } from '../../policy/models/parameters.ts';
import { adamwGraph, gradientNormGraph, hyperparameterNames } from '../../policy/optimizer/adamw-graph.ts';
import { type Schedule, learningRateAt } from '../../policy/optimizer/schedule.ts';
import type { Tensor } from '../../policy/runtime/graph-runner.ts';
import { Session } from '../../policy/runtime/onnx/session.ts';
import { largestDifference } from '../support/idefics3-fixture.ts';

interface Expected {
  readonly learningRate: number;
  readonly warmupStepCount: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly gradientNormMax: number;
  readonly steps: readonly { readonly learningRate: number; readonly gradientNorm: number }[];
}

const at = (file: string): URL => new URL(`../fixtures/adamw/${file}`, import.meta.url);
const expected = JSON.parse(readFileSync(at('expected.json'), 'utf8')) as Expected;
const { tensors } = decodeSafetensors(readFileSync(at('expected.safetensors')));
const valuesOf = (name: string): Float32Array => readFloat32(required(tensors.get(name), name));
// torch's AdamW decays every tensor: all three get the role that decays.
const specs: ParameterSpec[] = ['matrix', 'vector', 'scale'].map((name) => ({
  name,
  role: 'matrix',
  shape: required(tensors.get(`initial.${name}`), name).shape,
}));

async function updates(
  roles: readonly ParameterSpec[],
): Promise<{ weights: (step: number, name: string) => Float32Array; norms: number[] }> {
  const session = await Session.create(emitOnnx(adamwGraph(roles)), { threadCount: 1 });
  const normSession = await Session.create(emitOnnx(gradientNormGraph(roles)), { threadCount: 1 });
  const state = new Map<string, Float32Array>();
  for (const { name } of roles) {
    state.set(`weight:${name}`, valuesOf(`initial.${name}`));
    for (const moment of ['m', 'v'])
      state.set(`${moment}:${name}`, new Float32Array(valuesOf(`initial.${name}`).length));
  }
  const history = new Map<string, Float32Array>();
  const norms: number[] = [];
  for (const [step] of expected.steps.entries()) {
    const inputs = new Map<string, Tensor>();
    const [beta1, beta2] = expected.betas;
    const schedule = {
      learningRate: expected.learningRate,
      schedule: 'constant',
      finalLearningRateRatio: 1,
      warmupStepCount: expected.warmupStepCount,
      decayFrom: 'peak',
    } as const;
    const hyper = {
      learningRate: learningRateAt(schedule, step, expected.steps.length),
      beta1,
      oneMinusBeta1: 1 - beta1,
      beta2,
      oneMinusBeta2: 1 - beta2,
      correction1: 1 / (1 - beta1 ** (step + 1)),
      correction2: 1 / (1 - beta2 ** (step + 1)),
      epsilon: expected.epsilon,
      weightDecay: expected.weightDecay,
      gradientNormMax: expected.gradientNormMax,
    };
    for (const name of hyperparameterNames) inputs.set(name, floatScalar(hyper[name]));
    const gradients = roles.map(({ name, shape }): [string, Tensor] => [
      `gradient:${name}`,
      float32(valuesOf(`step${step}.grad.${name}`), shape),
    ]);
    const norm = required((await normSession.run(new Map(gradients))).get('gradientNorm'), 'norm');
    inputs.set('gradientNorm', norm);
    for (const [name, gradient] of gradients) inputs.set(name, gradient);
    for (const { name, shape } of roles) {
      for (const part of ['weight', 'm', 'v'])
        inputs.set(`${part}:${name}`, float32(required(state.get(`${part}:${name}`), part), shape));
    }
    const outputs = await session.run(inputs);
    norms.push(required((norm.data as Float32Array)[0], 'norm'));
    for (const { name } of roles) {
      for (const part of ['weight', 'm', 'v'])
        state.set(`${part}:${name}`, required(outputs.get(`next:${part}:${name}`), part).data as Float32Array);
      history.set(`${step}.${name}`, required(state.get(`weight:${name}`), 'weight'));
    }
  }
  await session.release();
  await normSession.release();
  return { norms, weights: (step, name) => required(history.get(`${step}.${name}`), `step ${step}`) };
}

describe('AdamW', () => {
  test('matches weights and gradient norms of torch.optim.AdamW with clip_grad_norm_ after every step', async () => {
    const run = await updates(specs);
    expected.steps.forEach(({ gradientNorm }, step) => {
      expect(Math.abs((run.norms[step] ?? NaN) / gradientNorm - 1), `norm at step ${step}`).toBeLessThan(1e-5);
      for (const { name } of specs) {
        expect(
          largestDifference(run.weights(step, name), valuesOf(`step${step}.weight.${name}`)),
          `${name} at step ${step}`,
        ).toBeLessThan(1e-6);
      }
    });
  });

  test('matches the fixture’s warm-up', () => {
    const schedule = {
      learningRate: expected.learningRate,
      schedule: 'constant',
      finalLearningRateRatio: 1,
      warmupStepCount: expected.warmupStepCount,
      decayFrom: 'peak',
    } as const;
    expected.steps.forEach(({ learningRate }, step) => {
      expect(learningRateAt(schedule, step, expected.steps.length)).toBeCloseTo(learningRate, 12);
    });
  });

  test('does not decay norm scales and biases', async () => {
    const decayed = await updates(specs);
    const kept = await updates(specs.map((spec) => (spec.name === 'scale' ? { ...spec, role: 'scale' } : spec)));
    expect(largestDifference(kept.weights(4, 'matrix'), decayed.weights(4, 'matrix'))).toBe(0);
    expect(largestDifference(kept.weights(4, 'scale'), decayed.weights(4, 'scale'))).toBeGreaterThan(1e-5);
  });
});

describe('schedule', () => {
  const spec = { learningRate: 1, finalLearningRateRatio: 0.1, warmupStepCount: 4, decayFrom: 'peak' } as const;
  const ratesOf = (changes: Partial<Schedule>, stepCount: number): number[] =>
    Array.from({ length: stepCount }, (_, step) =>
      learningRateAt({ ...spec, schedule: 'linear', ...changes }, step, stepCount),
    );

  // Warm-up over 4 of 7 steps; then 3 steps down from 1 to 0.1.
  test.each([
    ['linear', [0.25, 0.5, 0.75, 1, 0.7, 0.4, 0.1]],
    // 0.1 + 0.9 * (1 + cos(pi / 3)) / 2 = 0.775; with 2 pi / 3: 0.325.
    ['cosine', [0.25, 0.5, 0.75, 1, 0.775, 0.325, 0.1]],
    ['constant', [0.25, 0.5, 0.75, 1, 1, 1, 1]],
  ] as const)('%s reaches its peak at the last step of the warm-up, then decays', (schedule, rates) => {
    ratesOf({ schedule }, 7).forEach((rate, step) => {
      expect(rate).toBeCloseTo(rates[step] as number, 12);
    });
  });

  test('a decay from the first step stays below the peak over 7 steps', () => {
    // (1 - 0.9 * step / 6) times the warm-up.
    [0.25, 0.425, 0.525, 0.55, 0.4, 0.25, 0.1].forEach((rate, step) => {
      expect(ratesOf({ decayFrom: 'firstStep' }, 7)[step]).toBeCloseTo(rate, 12);
    });
  });

  test('a decay is the same from either start if the warm-up has no step or one', () => {
    for (const warmupStepCount of [0, 1])
      expect(ratesOf({ warmupStepCount }, 5)).toEqual(ratesOf({ warmupStepCount, decayFrom: 'firstStep' }, 5));
  });

  test('a run that ends within its warm-up has no decay', () => {
    expect(ratesOf({ warmupStepCount: 10 }, 3)).toEqual([0.1, 0.2, 0.3]);
    expect(ratesOf({ warmupStepCount: 0 }, 1)).toEqual([1]);
  });
});
