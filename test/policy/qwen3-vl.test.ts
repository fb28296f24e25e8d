/** Qwen3-VL against transformers, on checkpoints that cover different features (test/fixtures/qwen3-vl). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import type { EncodedPrompt, SampleRequest } from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { sampleTensors } from '../../policy/engines/embedded/packing/sample-batch.ts';
import { readConfig, readWeights } from '../../policy/engines/embedded/weights.ts';
import { promptPositions, ropeAxisNames } from '../../policy/models/qwen3-vl/multimodal-rope.ts';
import { largestDifference, strided } from '../support/idefics3-fixture.ts';
import { type ModelRun, logProbsOf, modelRun } from '../support/model-run.ts';
import {
  type Qwen3VlKind,
  qwen3VlExpected,
  qwen3VlFolder,
  qwen3VlGroups,
  qwen3VlKinds,
  qwen3VlPrompts,
  qwen3VlTensors,
} from '../support/qwen3-vl-fixture.ts';

/** float32 on both sides. */
const tolerance = 2e-5;
const tokens = { stopTokenId: 2, padTokenId: 0, bannedTokenIds: [] };
const scratch = mkdtempSync(join(tmpdir(), 'mtrl-qwen3-vl-'));
const engine = new EmbeddedEngine({ threadCount: 1 });
afterAll(async () => {
  await engine.close();
  rmSync(scratch, { recursive: true });
});

/** Runs of one training graph per checkpoint, compiled once and shared by the tests. */
const packedRuns = new Map<Qwen3VlKind, Promise<ModelRun>>();
async function packedRun(kind: Qwen3VlKind): Promise<ModelRun> {
  const known = packedRuns.get(kind);
  if (known !== undefined) return known;
  const started = modelRun(qwen3VlFolder(kind), await qwen3VlGroups(kind), { loss: 'cross_entropy' });
  packedRuns.set(kind, started);
  return started;
}

function sampleRequest(prompts: readonly EncodedPrompt[], more: Partial<SampleRequest> = {}): SampleRequest {
  return {
    prompts,
    groupSize: 1,
    sampling: { temperature: 1, greedy: true, tokenCountMax: 8 },
    tokens,
    seed: 0,
    step: 0,
    promptOffset: 0,
    promptTokenCountMax: 44,
    ...more,
  };
}

describe.each(qwen3VlKinds)('%s checkpoint', (kind) => {
  const expected = qwen3VlExpected(kind);
  const valuesOf = qwen3VlTensors(`${kind}/expected.safetensors`);

  test("positions of a prompt's tokens match get_rope_index", async () => {
    const { architecture } = await readConfig(qwen3VlFolder(kind));
    for (const [row, prompt] of (await qwen3VlPrompts(kind)).entries()) {
      const { tokens: positions, next } = promptPositions(prompt, architecture.images);
      const axes = ropeAxisNames.map((axis) => positions.map((position) => position[axis]));
      expect(axes).toEqual(expected.positionIds[row]);
      expect(next).toBe(Math.max(...axes.flat()) + 1);
    }
  });

  test('loss, log-probs and all gradients match transformers with one sequence per answer', async () => {
    const run = await packedRun(kind);
    expect(Math.abs(run.loss - expected.loss)).toBeLessThan(tolerance);
    const chosen = logProbsOf(valuesOf('logits'), expected.targetIds.flat(2));
    expect(largestDifference(run.logProbs, chosen)).toBeLessThan(tolerance);
    expect(run.names.length).toBe(Object.keys(expected.sampleStrides).length);
    for (const name of run.names) {
      const sample = strided(run.gradientOf(name), required(expected.sampleStrides[name], name));
      expect(largestDifference(sample, valuesOf(`gradient.${name}`)), name).toBeLessThan(tolerance);
    }
  });

  test('greedy tokens match generate, for prompts with one, two and no images in one batch', async () => {
    await engine.loadCheckpoint(qwen3VlFolder(kind));
    const { groups } = await engine.sample(sampleRequest(await qwen3VlPrompts(kind)));
    expect(groups.map((group) => group[0]?.tokenIds)).toEqual(expected.greedyIds);
  });

  test('three AdamW steps match the weights of torch, and a saved state contains them', async () => {
    await engine.loadCheckpoint(qwen3VlFolder(kind));
    const groups = await qwen3VlGroups(kind);
    for (const norm of expected.stepGradientNorms) {
      await engine.forwardBackward({ groups, loss: { name: 'cross_entropy' }, temperature: 1, tokens });
      const { gradientNorm } = await engine.optimStep(expected.adamw);
      expect(Math.abs(gradientNorm - norm)).toBeLessThan(1e-4);
    }
    const saved = mkdtempSync(join(scratch, 'saved-'));
    await engine.saveState(saved);
    const { architecture } = await readConfig(saved);
    for (const [name, data] of await readWeights(saved, architecture.parameterSpecs)) {
      const sample = strided(data, required(expected.sampleStrides[name], name));
      expect(largestDifference(sample, valuesOf(`stepped.${name}`)), name).toBeLessThan(tolerance);
    }
  });

  test('sampled log-probs match the training graph', async () => {
    await engine.loadCheckpoint(qwen3VlFolder(kind));
    const prompts = await qwen3VlPrompts(kind);
    const sampling = { temperature: 1.3, greedy: false, tokenCountMax: 12 };
    const { groups } = await engine.sample(sampleRequest(prompts, { groupSize: 3, sampling }));
    const trained = await engine.forward({
      groups: groups.map((completions, row) => ({
        prompt: required(prompts[row], 'prompt'),
        completions: completions.map(({ tokenIds }) => ({ tokenIds, tokenWeight: 1 })),
      })),
      temperature: 1.3,
      tokens,
      weights: 'current',
    });
    const sampled = groups.flatMap((group) => group.flatMap(({ logProbs }) => logProbs));
    expect(largestDifference(trained.flat(2), sampled)).toBeLessThan(1e-4);
  });
});

test('a prompt shared by its answers has the same gradients as one sequence per answer', async () => {
  const groups = await qwen3VlGroups('untied');
  const naive = groups.flatMap(({ prompt, completions }) =>
    completions.map((completion) => ({ prompt, completions: [completion] })),
  );
  const packed = await packedRun('untied');
  const separate = await modelRun(qwen3VlFolder('untied'), naive, { loss: 'cross_entropy' });
  expect(Math.abs(packed.loss - separate.loss)).toBeLessThan(1e-6);
  for (const name of packed.names) {
    const wanted = separate.gradientOf(name);
    const scale = Math.max(...wanted.map(Math.abs));
    expect(largestDifference(packed.gradientOf(name), wanted), name).toBeLessThan(1e-5 * scale);
  }
});

test('recomputed layers give the same gradients', async () => {
  const kept = await packedRun('untied');
  const again = await modelRun(qwen3VlFolder('untied'), await qwen3VlGroups('untied'), {
    loss: 'cross_entropy',
    recompute: true,
  });
  for (const name of kept.names)
    expect(largestDifference(again.gradientOf(name), kept.gradientOf(name)), name).toBeLessThan(1e-6);
});

test('TensorFlow.js samples the same tokens and takes the same step', async () => {
  const { greedyIds, stepGradientNorms, adamw } = qwen3VlExpected('untied');
  const tfjs = new EmbeddedEngine({ threadCount: 1, backend: 'tfjs', executionProvider: 'cpu' });
  await tfjs.loadCheckpoint(qwen3VlFolder('untied'));
  const { groups } = await tfjs.sample(sampleRequest(await qwen3VlPrompts('untied')));
  expect(groups.map((group) => group[0]?.tokenIds)).toEqual(greedyIds);
  const request = { groups: await qwen3VlGroups('untied'), temperature: 1, tokens };
  await tfjs.forwardBackward({ ...request, loss: { name: 'cross_entropy' } });
  const { gradientNorm } = await tfjs.optimStep(adamw);
  await tfjs.close();
  expect(Math.abs(gradientNorm - (stepGradientNorms[0] ?? NaN))).toBeLessThan(1e-3);
});

test('adapters in the tower, the mergers and the decoder learn, and the merged checkpoint computes the same', async () => {
  const request = { groups: await qwen3VlGroups('untied'), temperature: 1, tokens };
  await engine.loadCheckpoint(qwen3VlFolder('untied'));
  const before = await engine.forward({ ...request, weights: 'current' });
  const modules = ['attn.qkv', 'merger.linear_fc2', 'q_proj'];
  await engine.prepareTraining({ lora: { rank: 2, alpha: 4, modules, seed: 1 } });
  for (let step = 0; step < 2; step++) {
    await engine.forwardBackward({ ...request, loss: { name: 'cross_entropy' } });
    await engine.optimStep({ ...qwen3VlExpected('untied').adamw, learningRate: 0.02 });
  }
  const after = await engine.forward({ ...request, weights: 'current' });
  expect(largestDifference(after.flat(2), before.flat(2))).toBeGreaterThan(0.01);
  const saved = mkdtempSync(join(scratch, 'adapted-'));
  await engine.saveState(saved);
  await engine.loadCheckpoint(saved);
  const merged = await engine.forward({ ...request, weights: 'current' });
  expect(largestDifference(merged.flat(2), after.flat(2))).toBeLessThan(tolerance);
});

test('a shard samples the same as the whole batch, although its largest image differs', async () => {
  await engine.loadCheckpoint(qwen3VlFolder('untied'));
  const prompts = await qwen3VlPrompts('untied');
  const imagePixelCountMax = Math.max(
    ...prompts.flatMap(({ images }) => images.map(({ height, width }) => height * width)),
  );
  const more = {
    groupSize: 2,
    sampling: { temperature: 1, greedy: false, tokenCountMax: 6 },
    imagePixelCountMax,
  };
  const whole = await engine.sample(sampleRequest(prompts, more));
  const { architecture } = await readConfig(qwen3VlFolder('untied'));
  for (const [promptOffset, prompt] of prompts.entries()) {
    const shard = sampleRequest([prompt], { ...more, promptOffset });
    const { groups } = await engine.sample(shard);
    expect(groups[0]).toEqual(whole.groups[promptOffset]);
    // The tower computes as many patches as in the whole batch.
    const perImage = sampleTensors(architecture, { ...shard, rolloutOffset: 0 }).get('patchRows')?.shape[1];
    expect(perImage ?? imagePixelCountMax / 16).toBe(imagePixelCountMax / 16);
  }
});

test('a prompt that was cut inside an image is refused', async () => {
  await engine.loadCheckpoint(qwen3VlFolder('untied'));
  const [prompt] = await qwen3VlPrompts('untied');
  const { tokenIds, images } = required(prompt, 'prompt');
  const cut = { tokenIds: tokenIds.slice(0, 8), images };
  await expect(engine.sample(sampleRequest([cut]))).rejects.toMatchObject({ code: 'EXAMPLE_TOO_LONG' });
});
