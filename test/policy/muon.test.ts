/** Muon against torch (test/fixtures/muon/generate.py), and its purpose: orthogonal updates of AdamW's size. */
import { mkdtemp, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { decodeSafetensors } from '../../artifacts/codecs/safetensors.ts';
import { readFloat32 } from '../../artifacts/codecs/tensor-values.ts';
import { required } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';
import type { OptimStepRequest } from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { float32, floatScalar } from '../../policy/engines/embedded/packing/prompt-batch.ts';
import { emitOnnx } from '../../policy/graph/emit.ts';
import { Graph } from '../../policy/graph/ir.ts';
import type { ParameterSpec } from '../../policy/models/parameters.ts';
import { gradientNormGraph } from '../../policy/optimizer/adamw-graph.ts';
import { isHiddenMatrix, muonGraph, orthogonalized } from '../../policy/optimizer/muon-graph.ts';
import type { Tensor } from '../../policy/runtime/graph-runner.ts';
import { Session } from '../../policy/runtime/onnx/session.ts';
import { cases, folderOf, largestDifference, supervisedGroups } from '../support/idefics3-fixture.ts';

interface Expected {
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly gradientNormMax: number;
  readonly stepCount: number;
  readonly parameterNames: readonly string[];
}

const at = (file: string): URL => new URL(`../fixtures/muon/${file}`, import.meta.url);
const expected = JSON.parse(readFileSync(at('expected.json'), 'utf8')) as Expected;
const { tensors } = decodeSafetensors(readFileSync(at('expected.safetensors')));
const tensorOf = (name: string): Tensor => {
  const stored = required(tensors.get(name), name);
  return float32(readFloat32(stored), stored.shape);
};

test('matches weights and momentum of torch.optim.Muon with clip_grad_norm_ after every step', async () => {
  const specs = expected.parameterNames.map((name): ParameterSpec => ({
    name,
    role: 'matrix',
    shape: tensorOf(`initial.${name}`).shape,
  }));
  const session = await Session.create(emitOnnx(muonGraph(specs)), { threadCount: 1 });
  const norms = await Session.create(emitOnnx(gradientNormGraph(specs)), { threadCount: 1 });
  const { learningRate, momentum, weightDecay, gradientNormMax, stepCount, parameterNames } = expected;
  const scalars = { learningRate, momentum, oneMinusMomentum: 1 - momentum, weightDecay, gradientNormMax };
  const state = new Map<string, Tensor>();
  for (const { name, shape } of specs) {
    state.set(`weight:${name}`, tensorOf(`initial.${name}`));
    state.set(`m:${name}`, float32(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape));
  }
  for (let step = 0; step < stepCount; step++) {
    const gradients = new Map(parameterNames.map((name) => [`gradient:${name}`, tensorOf(`step${step}.grad.${name}`)]));
    const inputs = new Map([...gradients, ...state, ...(await norms.run(gradients))]);
    for (const [name, value] of Object.entries(scalars)) inputs.set(name, floatScalar(value));
    for (const [name, tensor] of await session.run(inputs)) state.set(name.replace('next:', ''), tensor);
    for (const [name, tensor] of state) {
      const [part, parameter] = name.split(':');
      const theirs = tensorOf(`step${step}.${String(part)}.${String(parameter)}`).data as Float32Array;
      expect(largestDifference(tensor.data as Float32Array, theirs), `${name} at step ${step}`).toBeLessThan(1e-5);
    }
  }
});

describe('the update of a matrix', () => {
  /** I - 2 v v^T of a random unit vector v: orthogonal, and its own inverse. */
  function reflection(size: number, rng: Rng): number[][] {
    const v = Array.from({ length: size }, () => rng.normal());
    const square = v.reduce((sum, value) => sum + value * value, 0);
    return v.map((x, i) => v.map((y, j) => (i === j ? 1 : 0) - (2 * x * y) / square));
  }
  const product = (a: readonly number[][], b: readonly number[][]): number[][] =>
    a.map((row) => (b[0] ?? []).map((_, j) => row.reduce((sum, value, k) => sum + value * (b[k]?.[j] ?? NaN), 0)));

  test.each([
    [16, 16],
    [12, 40],
    [40, 12],
  ])('of %i x %i has the same singular vectors, and singular values of about 1', async (out, inner) => {
    const rng = new Rng('muon-test', out, inner);
    const [left, right] = [reflection(out, rng), reflection(inner, rng)];
    // Singular values from the largest down to a twentieth of it.
    const size = Math.min(out, inner);
    const values = Array.from({ length: out }, (_, i) =>
      Array.from({ length: inner }, (_, j) => (i === j ? 7 * (1 - (0.95 * i) / (size - 1)) : 0)),
    );
    const g = new Graph('orthogonalized');
    g.output('y', orthogonalized(g, g.input('x', 'float32', [out, inner])));
    const session = await Session.create(emitOnnx(g), { threadCount: 1 });
    const x = float32(Float32Array.from(product(product(left, values), right).flat()), [out, inner]);
    const y = required((await session.run(new Map([['x', x]]))).get('y'), 'y').data as Float32Array;
    const rows = Array.from({ length: out }, (_, i) => [...y.subarray(i * inner, (i + 1) * inner)]);
    product(product(left, rows), right).forEach((row, i) => {
      row.forEach((value, j) => {
        if (i !== j) expect(Math.abs(value)).toBeLessThan(1e-4);
        else expect(Math.abs(value - 0.95)).toBeLessThan(0.3);
      });
    });
  });
});

describe('the engine with Muon', () => {
  const groups = supervisedGroups(required(cases.cases['batch-left-padded'], 'case'));
  const tokens = { stopTokenId: cases.eosTokenId, padTokenId: cases.padTokenId, bannedTokenIds: [] };
  const adamw: OptimStepRequest = {
    ...{ learningRate: 1e-2, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientNormMax: 1 },
  };
  const muon: OptimStepRequest = { ...adamw, muon: { momentum: 0.95 } };
  const engine = new EmbeddedEngine({ threadCount: 1 });
  afterAll(() => engine.close());

  async function steps(requests: readonly OptimStepRequest[], own = engine): Promise<number[]> {
    const losses: number[] = [];
    for (const request of requests) {
      const { loss } = await own.forwardBackward({
        groups,
        loss: { name: 'cross_entropy' },
        temperature: 1,
        tokens,
      });
      losses.push(loss);
      await own.optimStep(request);
    }
    return losses;
  }

  test('learns, reproducibly to the bit', async () => {
    await engine.loadCheckpoint(folderOf('untied-gqa'));
    const losses = await steps(Array<OptimStepRequest>(20).fill(muon));
    expect(required(losses.at(-1), 'loss')).toBeLessThan(0.5 * required(losses[0], 'loss'));
    const digest = await engine.weightsDigest();
    await engine.loadCheckpoint(folderOf('untied-gqa'));
    expect(await steps(Array<OptimStepRequest>(20).fill(muon))).toEqual(losses);
    expect(await engine.weightsDigest()).toBe(digest);
  });

  test('resumes bit-exactly from a saved state, which has no second moments of hidden matrices', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mtrl-muon-'));
    try {
      await engine.loadCheckpoint(folderOf('untied-gqa'));
      await steps([muon, muon]);
      await engine.saveState(folder);
      await steps([muon]);
      const digest = await engine.weightsDigest();
      await engine.loadState(folder);
      await steps([muon]);
      expect(await engine.weightsDigest()).toBe(digest);
      const saved = decodeSafetensors(readFileSync(join(folder, 'optimizer.safetensors'))).tensors;
      const names = [...saved.keys()];
      expect(names).toContain('m:model.text_model.layers.0.mlp.up_proj.weight');
      expect(names).not.toContain('v:model.text_model.layers.0.mlp.up_proj.weight');
      expect(names).toContain('v:lm_head.weight');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('starts AdamW after it with a new state, and matches a process without Muon', async () => {
    const alone = new EmbeddedEngine({ threadCount: 1 });
    await engine.loadCheckpoint(folderOf('tied'));
    await steps([muon, muon]);
    await engine.forwardBackward({ groups, loss: { name: 'cross_entropy' }, temperature: 1, tokens });
    expect(await engine.optimStep(adamw)).toMatchObject({ updateCount: 1 });
    await engine.loadCheckpoint(folderOf('tied'));
    await alone.loadCheckpoint(folderOf('tied'));
    const losses = await steps([adamw, adamw, adamw]);
    expect(await steps([adamw, adamw, adamw], alone)).toEqual(losses);
    await alone.close();
  });

  test('leaves embeddings, heads, norms and the patch convolution to AdamW', () => {
    const spec = (role: ParameterSpec['role'], shape: readonly number[]) => isHiddenMatrix({ name: '', role, shape });
    expect([spec('matrix', [4, 4]), spec('residual-matrix', [4, 8])]).toEqual([true, true]);
    expect([spec('head', [9, 4]), spec('table', [9, 4]), spec('scale', [4]), spec('matrix', [4, 3, 2, 2])]).toEqual(
      Array(4).fill(false),
    );
  });
});
