/** Trainable parameters: adapters on frozen matrices and frozen parts, both preserved exactly on disk. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { decodeSafetensors } from '../../artifacts/codecs/safetensors.ts';
import { readFloat32 } from '../../artifacts/codecs/tensor-values.ts';
import { adapterBase, writeAdapterFiles } from '../../cli/adapter-files.ts';
import { required } from '../../core/assert.ts';
import type { OptimStepRequest, TrainGroup, TrainableSpec } from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { putOptimizer } from '../../policy/engines/embedded/state-files.ts';
import { readTrainingState } from '../../policy/engines/embedded/training-state.ts';
import { type TensorData, readConfig, readWeights } from '../../policy/engines/embedded/weights.ts';
import { trainableSpecs } from '../../policy/models/trainable.ts';
import { cases, folderOf, largestDifference, promptsOf, supervisedGroups } from '../support/idefics3-fixture.ts';
import { modelRun } from '../support/model-run.ts';

const idefics3 = folderOf('untied-gqa');
const qwen3 = fileURLToPath(new URL('../fixtures/text-models/qwen3', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'mtrl-trainable-'));
const engine = new EmbeddedEngine({ threadCount: 1 });
afterAll(async () => {
  await engine.close();
  rmSync(scratch, { recursive: true });
});

const tokens = { stopTokenId: 2, padTokenId: 0, bannedTokenIds: [] };
const adamw: OptimStepRequest = {
  learningRate: 1e-2,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.01,
  gradientNormMax: 1,
};
const lora: TrainableSpec = {
  lora: { rank: 3, alpha: 6, modules: ['q_proj', 'down_proj', 'lm_head'], seed: 4 },
  freeze: ['vision'],
};
const groups: readonly TrainGroup[] = supervisedGroups(required(cases.cases['batch-left-padded'], 'case'));
const freshFolder = (): string => mkdtempSync(join(scratch, 'state-'));

async function step(of: EmbeddedEngine = engine): Promise<number> {
  const { loss } = await of.forwardBackward({ groups, loss: { name: 'cross_entropy' }, temperature: 1, tokens });
  await of.optimStep(adamw);
  return loss;
}

async function weightsIn(folder: string): Promise<TensorData> {
  const { architecture } = await readConfig(folder);
  return readWeights(folder, architecture.parameterSpecs);
}

function changed(before: TensorData, after: TensorData): string[] {
  return [...before.keys()].filter((name) => largestDifference(before.get(name) ?? [], after.get(name) ?? []) > 0);
}

describe('LoRA', () => {
  test('fresh adapters change nothing, and then the loss falls', async () => {
    await engine.loadCheckpoint(idefics3);
    const plain = (await engine.forward({ groups, temperature: 1, tokens, weights: 'current' }))[0];
    await engine.prepareTraining(lora);
    expect((await engine.forward({ groups, temperature: 1, tokens, weights: 'current' }))[0]).toEqual(plain);
    const first = await step();
    for (let i = 0; i < 8; i++) await step();
    expect(await step()).toBeLessThan(first - 0.2);
  });

  test('the checkpoint contains the merged adapters: only their matrices differ from the base', async () => {
    await engine.loadCheckpoint(idefics3);
    await engine.prepareTraining(lora);
    await step();
    const folder = freshFolder();
    await engine.saveState(folder);
    expect(changed(await weightsIn(idefics3), await weightsIn(folder)).sort()).toEqual([
      'lm_head.weight',
      'model.text_model.layers.0.mlp.down_proj.weight',
      'model.text_model.layers.0.self_attn.q_proj.weight',
      'model.text_model.layers.1.mlp.down_proj.weight',
      'model.text_model.layers.1.self_attn.q_proj.weight',
    ]);
    const logProbs = await engine.forward({ groups, temperature: 1, tokens, weights: 'current' });
    await engine.loadReference(folder);
    // The reference is the merged checkpoint: the trainer, which adds B A x, must compute the same policy.
    const merged = await engine.forward({ groups, temperature: 1, tokens, weights: 'reference' });
    expect(largestDifference(merged.flat(2), logProbs.flat(2))).toBeLessThan(1e-5);
  });

  test('rollouts, which merge the adapters, have the same log-probs as the trainer, which does not', async () => {
    await engine.loadCheckpoint(idefics3);
    await engine.prepareTraining(lora);
    for (let i = 0; i < 3; i++) await step();
    const prompts = promptsOf(required(cases.cases['batch-left-padded'], 'case'));
    const { groups: sampled } = await engine.sample({
      prompts,
      groupSize: 4,
      sampling: { temperature: 1, greedy: false, tokenCountMax: 10 },
      tokens,
      seed: 1,
      step: 0,
      promptOffset: 0,
      promptTokenCountMax: 48,
    });
    const again = await engine.forward({
      groups: sampled.map((group, i) => ({
        prompt: required(prompts[i], 'prompt'),
        completions: group.map(({ tokenIds }) => ({ tokenIds, tokenWeight: 0 })),
      })),
      temperature: 1,
      tokens,
      weights: 'current',
    });
    const rollouts = sampled.flat().flatMap(({ logProbs }) => [...logProbs]);
    expect(rollouts.length).toBeGreaterThan(20);
    expect(largestDifference(rollouts, again.flat(2))).toBeLessThan(1e-5);
  });

  test('training resumes bit-exactly from a saved state in another engine', async () => {
    await engine.loadCheckpoint(idefics3);
    await engine.prepareTraining(lora);
    await step();
    const folder = freshFolder();
    await engine.saveState(folder);
    await step();
    const undisturbed = await engine.weightsDigest();
    const other = new EmbeddedEngine({ threadCount: 1 });
    await other.loadState(folder);
    // The first call of a replayed step; the state already has adapters.
    await other.prepareTraining(lora);
    await step(other);
    expect(await other.weightsDigest()).toBe(undisturbed);
    await other.close();
  });

  test('policies of one base that follow each other in an engine, in the same memory, are what they were', async () => {
    const saved: [folder: string, digest: string][] = [];
    for (const seed of [1, 2]) {
      await engine.loadCheckpoint(idefics3);
      await engine.prepareTraining({ lora: { rank: 2 + seed, alpha: 6, modules: ['q_proj'], seed } });
      await step();
      const folder = freshFolder();
      await engine.saveState(folder);
      saved.push([folder, await engine.weightsDigest()]);
    }
    await engine.loadCheckpoint(idefics3);
    await step();
    for (const [folder, digest] of [...saved, ...saved]) {
      await engine.loadState(folder);
      expect(await engine.weightsDigest()).toBe(digest);
      await step();
    }
  });

  test('a reference that shares the frozen base does not change, whatever is trained afterwards', async () => {
    const ofReference = () => engine.forward({ groups, temperature: 1, tokens, weights: 'reference' });
    await engine.loadCheckpoint(idefics3);
    const plain = await engine.forward({ groups, temperature: 1, tokens, weights: 'current' });
    await engine.prepareTraining(lora);
    await engine.loadReference(idefics3);
    await step();
    expect(await ofReference()).toEqual(plain);
    await engine.prepareTraining({});
    await step();
    expect(await ofReference()).toEqual(plain);
    expect(await engine.forward({ groups, temperature: 1, tokens, weights: 'current' })).not.toEqual(plain);
  });

  test('adapters depend only on their seed', async () => {
    const digestWith = async (seed: number): Promise<string> => {
      await engine.loadCheckpoint(qwen3);
      await engine.prepareTraining({ lora: { rank: 2, alpha: 2, modules: ['v_proj'], seed } });
      return engine.weightsDigest();
    };
    expect(await digestWith(1)).toBe(await digestWith(1));
    expect(await digestWith(1)).not.toBe(await digestWith(2));
  });

  test("gradients of A and B follow from the matrix's: scale dW A^T and scale B^T dW", async () => {
    await engine.loadCheckpoint(idefics3);
    await engine.prepareTraining(lora);
    await step();
    const folder = freshFolder();
    await engine.saveState(folder);
    const { architecture } = await readConfig(folder);
    const { specs, weights } = await readTrainingState(folder, architecture);
    const adapted = await modelRun(folder, groups, { loss: 'cross_entropy' }, { specs, weights });
    const merged = await modelRun(
      folder,
      groups,
      { loss: 'cross_entropy' },
      { specs: architecture.parameterSpecs, weights: await weightsIn(folder) },
    );
    const module = 'model.text_model.layers.1.mlp.down_proj';
    const [out, inner, rank, scale] = [32, 64, 3, 2];
    const dW = merged.gradientOf(`${module}.weight`);
    const [aName, bName] = [`${module}.lora_A.weight`, `${module}.lora_B.weight`];
    const [a, b] = [required(weights.get(aName), 'A'), required(weights.get(bName), 'B')];
    const at = (data: Float32Array, row: number, column: number, width: number): number =>
      data[row * width + column] ?? NaN;
    const dB = Array.from({ length: out * rank }, (_, i) => {
      const [row, r] = [Math.floor(i / rank), i % rank];
      return sum(inner, (k) => scale * at(dW, row, k, inner) * at(a, r, k, inner));
    });
    const dA = Array.from({ length: rank * inner }, (_, i) => {
      const [r, column] = [Math.floor(i / inner), i % inner];
      return sum(out, (k) => scale * at(b, k, r, rank) * at(dW, k, column, inner));
    });
    expect(largestDifference(adapted.gradientOf(bName), dB)).toBeLessThan(1e-5);
    expect(largestDifference(adapted.gradientOf(aName), dA)).toBeLessThan(1e-5);
    expect(Math.max(...dA.map(Math.abs))).toBeGreaterThan(1e-3);
    expect(() => adapted.gradientOf(`${module}.weight`)).toThrow();
  });

  test("adapters are saved in PEFT's layout: its names, shapes and config", async () => {
    await engine.loadCheckpoint(qwen3);
    await engine.prepareTraining({ lora: { rank: 2, alpha: 8, modules: ['v_proj'], seed: 1 } });
    const state = freshFolder();
    await engine.saveState(state);
    const { tensors } = decodeSafetensors(readFileSync(join(state, 'optimizer-adapter_model.safetensors')));
    expect([...tensors].map(([name, { shape }]) => [name, shape]).sort()).toEqual([
      ['base_model.model.model.layers.0.self_attn.v_proj.lora_A.weight', [2, 32]],
      ['base_model.model.model.layers.0.self_attn.v_proj.lora_B.weight', [32, 2]],
      ['base_model.model.model.layers.1.self_attn.v_proj.lora_A.weight', [2, 32]],
      ['base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight', [32, 2]],
    ]);
    const drawn = readFloat32(
      required(tensors.get('base_model.model.model.layers.0.self_attn.v_proj.lora_A.weight'), 'A'),
    );
    expect(Math.max(...drawn.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(32));
    expect(JSON.parse(readFileSync(join(state, 'optimizer-adapter_config.json'), 'utf8'))).toMatchObject({
      peft_type: 'LORA',
      r: 2,
      lora_alpha: 8,
      target_modules: ['model.layers.0.self_attn.v_proj', 'model.layers.1.self_attn.v_proj'],
    });
  });

  test('adapters stored with a state are exported as a folder for PEFT; a state without adapters has none', async () => {
    const store = new ArtifactStore(new FolderObjectStore(join(scratch, 'store')));
    await engine.loadCheckpoint(qwen3);
    const plain = freshFolder();
    await engine.saveState(plain);
    await engine.prepareTraining({ lora: { rank: 2, alpha: 8, modules: ['v_proj'], seed: 1 } });
    const adapted = freshFolder();
    await engine.saveState(adapted);
    const snapshotOf = async (state: string) =>
      store.putJson({ schema: 1, optimizer: await putOptimizer(store, state) });
    const to = freshFolder();
    await writeAdapterFiles(store, await snapshotOf(adapted), to, undefined);
    expect(readdirSync(to).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
    const refused = (snapshot: ArtifactRef) =>
      expect(writeAdapterFiles(store, snapshot, to, undefined)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await refused(await snapshotOf(plain));
    await refused(await store.putJson({ schema: 1, optimizer: null, averaged: [] }));
  });

  test.each([
    ['a repository', 'hf:org/name@v1.0', { base_model_name_or_path: 'org/name', revision: 'v1.0' }],
    ['a folder', '/models/small', { base_model_name_or_path: '/models/small' }],
  ])('an exported adapter names its base: %s', async (_, checkpoint, named) => {
    const store = new ArtifactStore(new FolderObjectStore(join(scratch, 'store')));
    await engine.loadCheckpoint(qwen3);
    await engine.prepareTraining({ lora: { rank: 2, alpha: 8, modules: ['v_proj'], seed: 1 } });
    const state = freshFolder();
    await engine.saveState(state);
    const to = freshFolder();
    const policy = { checkpoint };
    const snapshot = await store.putJson({ schema: 1, optimizer: await putOptimizer(store, state) });
    await writeAdapterFiles(store, snapshot, to, adapterBase({ policy }, undefined));
    const config: unknown = JSON.parse(readFileSync(join(to, 'adapter_config.json'), 'utf8'));
    expect(config).toMatchObject({ ...named, r: 2 });
    // Adapters of a run that began with another run's policy do not fit the recipe's checkpoint.
    expect(adapterBase({ policy }, 'format/s0')).toEqual({ runName: 'format/s0' });
    expect(adapterBase({ policy: { config: 'folder', initSeed: 0 } }, undefined)).toBeUndefined();
  });
});

describe('frozen parts', () => {
  test('keep their weights, and the rest learns', async () => {
    await engine.loadCheckpoint(idefics3);
    await engine.prepareTraining({ freeze: ['vision', 'embeddings'] });
    await step();
    const folder = freshFolder();
    await engine.saveState(folder);
    const [before, after] = [await weightsIn(idefics3), await weightsIn(folder)];
    const learned = new Set(changed(before, after));
    const frozen = [...before.keys()].filter((name) => !learned.has(name));
    expect(frozen).toHaveLength([...before.keys()].filter((name) => /vision_model|embed_tokens/.test(name)).length);
    expect(frozen.every((name) => /vision_model|embed_tokens/.test(name))).toBe(true);
    const { tensors } = decodeSafetensors(readFileSync(join(folder, 'optimizer.safetensors')));
    expect([...tensors.keys()].filter((name) => name.includes('vision_model'))).toEqual([]);
  });

  test('training resumes bit-exactly from a state with frozen parts', async () => {
    const freeze: TrainableSpec = { freeze: ['vision', 'connector'] };
    await engine.loadCheckpoint(idefics3);
    await engine.prepareTraining(freeze);
    await step();
    const folder = freshFolder();
    await engine.saveState(folder);
    await step();
    const undisturbed = await engine.weightsDigest();
    await engine.loadState(folder);
    await engine.prepareTraining(freeze);
    await step();
    expect(await engine.weightsDigest()).toBe(undisturbed);
  });

  test('a policy that is loaded afterwards trains all its weights again', async () => {
    const digestOf = async (prepare: boolean): Promise<string> => {
      if (prepare) {
        await engine.loadCheckpoint(idefics3);
        await engine.prepareTraining(lora);
        await step();
      }
      await engine.loadCheckpoint(idefics3);
      await step();
      return engine.weightsDigest();
    };
    expect(await digestOf(true)).toBe(await digestOf(false));
  });
});

describe('refuses a specification that does not fit, by name', () => {
  test.each<[string, TrainableSpec, string]>([
    [qwen3, { freeze: ['vision'] }, 'vision'],
    [qwen3, { freeze: ['embeddings', 'decoder', 'head'] }, 'every part'],
    [qwen3, { lora: { rank: 2, alpha: 2, modules: ['q_proj', 'fc1'], seed: 0 } }, 'fc1'],
    [qwen3, { lora: { rank: 2, alpha: 2, modules: ['embed_tokens'], seed: 0 } }, 'embed_tokens'],
    [qwen3, { lora: { rank: 2, alpha: 2, modules: ['q_proj'], seed: 0 }, freeze: ['decoder'] }, 'q_proj'],
  ])('%s %j', async (folder, spec, named) => {
    const { architecture } = await readConfig(folder);
    expect(() => trainableSpecs(architecture, spec)).toThrow(
      expect.objectContaining({ code: 'RECIPE_INVALID', message: expect.stringContaining(named) as string }) as Error,
    );
  });
});

function sum(count: number, term: (k: number) => number): number {
  return Array.from({ length: count }, (_, k) => term(k)).reduce((x, y) => x + y, 0);
}
