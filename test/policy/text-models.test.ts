/** Text decoders against transformers, on checkpoints that cover different features (test/fixtures/text-models). */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { decodeSafetensors } from '../../artifacts/codecs/safetensors.ts';
import { readFloat32 } from '../../artifacts/codecs/tensor-values.ts';
import { required } from '../../core/assert.ts';
import type { OptimStepRequest, TrainGroup } from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { readConfig, readWeights } from '../../policy/engines/embedded/weights.ts';
import { readArchitecture } from '../../policy/models/architecture.ts';
import { loadProcessor } from '../../policy/processor.ts';
import { largestDifference, strided } from '../support/idefics3-fixture.ts';
import { logProbsOf, modelRun } from '../support/model-run.ts';
import { expectRefused } from '../support/refusal.ts';

const kinds = ['llama3-scaled', 'llama-linear', 'qwen2', 'qwen3'] as const;
const tolerance = 2e-5;
const folderOf = (kind: string): string => fileURLToPath(new URL(`../fixtures/text-models/${kind}`, import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'mtrl-text-models-'));
const engine = new EmbeddedEngine({ threadCount: 1 });
const tokens = { stopTokenId: 2, padTokenId: 0, bannedTokenIds: [] };
afterAll(async () => {
  await engine.close();
  rmSync(scratch, { recursive: true });
});

interface Expected {
  readonly messages: readonly string[];
  readonly answers: readonly string[];
  readonly promptIds: readonly (readonly number[])[];
  readonly targetIds: readonly (readonly number[])[];
  readonly loss: number;
  readonly greedyIds: readonly (readonly number[])[];
  readonly sampleStrides: Readonly<Record<string, number>>;
  readonly adamw: OptimStepRequest;
  readonly stepGradientNorms: readonly number[];
}

function expectedOf(kind: string): Expected {
  return JSON.parse(readFileSync(join(folderOf(kind), 'expected.json'), 'utf8')) as Expected;
}

function groupsOf({ promptIds, targetIds }: Expected): TrainGroup[] {
  return promptIds.map((tokenIds, row) => ({
    prompt: { tokenIds, images: [] },
    completions: [{ tokenIds: required(targetIds[row], 'targets'), tokenWeight: 1 / targetIds.flat().length }],
  }));
}

describe.each(kinds)('%s', (kind) => {
  const expected = expectedOf(kind);
  const { tensors } = decodeSafetensors(readFileSync(join(folderOf(kind), 'expected.safetensors')));
  const valuesOf = (name: string): Float32Array => readFloat32(required(tensors.get(name), name));

  test('loss, log-probs and all gradients match transformers', async () => {
    const run = await modelRun(folderOf(kind), groupsOf(expected), { loss: 'cross_entropy' });
    expect(Math.abs(run.loss - expected.loss)).toBeLessThan(tolerance);
    const chosen = logProbsOf(valuesOf('logits'), expected.targetIds.flat());
    expect(largestDifference(run.logProbs, chosen)).toBeLessThan(tolerance);
    expect(run.names.length).toBe(Object.keys(expected.sampleStrides).length);
    for (const name of run.names) {
      const sample = strided(run.gradientOf(name), required(expected.sampleStrides[name], name));
      expect(largestDifference(sample, valuesOf(`gradient.${name}`)), name).toBeLessThan(tolerance);
    }
  });

  test('greedy tokens match generate', async () => {
    await engine.loadCheckpoint(folderOf(kind));
    const { groups } = await engine.sample({
      prompts: expected.promptIds.map((tokenIds) => ({ tokenIds, images: [] })),
      groupSize: 1,
      sampling: { temperature: 1, greedy: true, tokenCountMax: 12 },
      tokens,
      seed: 0,
      step: 0,
      promptOffset: 0,
      promptTokenCountMax: 64,
    });
    expect(groups.map((group) => group[0]?.tokenIds)).toEqual(expected.greedyIds);
  });

  test('three AdamW steps match the weights of torch, and a saved state contains them', async () => {
    await engine.loadCheckpoint(folderOf(kind));
    for (const norm of expected.stepGradientNorms) {
      await engine.forwardBackward({
        groups: groupsOf(expected),
        loss: { name: 'cross_entropy' },
        temperature: 1,
        tokens,
      });
      const { gradientNorm } = await engine.optimStep(expected.adamw);
      expect(Math.abs(gradientNorm - norm)).toBeLessThan(1e-4);
    }
    const saved = mkdtempSync(join(scratch, 'saved-'));
    await engine.saveState(saved);
    const { architecture } = await readConfig(saved);
    const weights = await readWeights(saved, architecture.parameterSpecs);
    for (const [name, data] of weights) {
      const sample = strided(data, required(expected.sampleStrides[name], name));
      expect(largestDifference(sample, valuesOf(`stepped.${name}`)), name).toBeLessThan(tolerance);
    }
  });

  test('prompts and answers match the tokens of AutoTokenizer, without an image processor', async () => {
    const processor = await loadProcessor(folderOf(kind));
    for (const [row, text] of expected.messages.entries()) {
      const prompt = await processor.encodePrompt([{ role: 'user', content: [{ type: 'text', text }] }], []);
      expect(prompt).toEqual({ tokenIds: expected.promptIds[row], images: [] });
      const answer = required(expected.answers[row], 'answer');
      expect(processor.encodeCompletion(answer)).toEqual(expected.targetIds[row]);
      expect(processor.decodeCompletion(required(expected.targetIds[row], 'targets'))).toBe(answer);
    }
  });
});

/** test/fixtures/padding-row: the same model with and without `pad_token_id`, which torch takes as `padding_idx`. */
test.each(['qwen2', 'qwen3'])('%s: the row of the padding token learns as without pad_token_id', async (kind) => {
  const file = fileURLToPath(new URL('../fixtures/padding-row/expected.json', import.meta.url));
  type Row = Readonly<Record<'learned' | 'padded', number[]> & Record<'othersDifference', number>>;
  const expected = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, Row>>;
  const { learned, padded, othersDifference } = required(expected[kind], kind);
  expect(othersDifference).toBe(0);
  const folder = mkdtempSync(join(scratch, 'padding-'));
  await cp(folderOf(kind), folder, { recursive: true });
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, pad_token_id: 2 }));
  const run = await modelRun(folder, groupsOf(expectedOf(kind)), { loss: 'cross_entropy' });
  const width = learned.length;
  const row = run.gradientOf('model.embed_tokens.weight').subarray(2 * width, 3 * width);
  expect(largestDifference(row, learned)).toBeLessThan(tolerance);
  expect(largestDifference(row, padded)).toBeGreaterThan(100 * tolerance);
  // The head of a tied model learns in torch too.
  expect(padded.some((value) => value !== 0)).toBe(kind === 'qwen2');
});

test('a prompt with an image is refused for a text-only model', async () => {
  const processor = await loadProcessor(folderOf('qwen3'));
  const messages = [{ role: 'user' as const, content: [{ type: 'image' as const }] }];
  await expect(processor.encodePrompt(messages, [new Uint8Array(1)])).rejects.toMatchObject({ code: 'PROMPT_INVALID' });
});

test('a tokenizer with more tokens than the embedding has rows is refused', async () => {
  const folder = mkdtempSync(join(scratch, 'vocabulary-'));
  await cp(folderOf('qwen3'), folder, { recursive: true });
  const file = join(folder, 'tokenizer.json');
  const tokenizer = JSON.parse(await readFile(file, 'utf8')) as { added_tokens: { id: number; content: string }[] };
  const added = { ...required(tokenizer.added_tokens[0], 'a special token'), id: 333, content: '<|extra|>' };
  await writeFile(file, JSON.stringify({ ...tokenizer, added_tokens: [...tokenizer.added_tokens, added] }));
  await expect(loadProcessor(folder)).rejects.toMatchObject({
    code: 'CHECKPOINT_INVALID',
    message: expect.stringContaining('vocab_size') as string,
  });
});

describe('refuses fields by name that change the maths and are not implemented', () => {
  const configOf = (kind: string): Record<string, unknown> =>
    JSON.parse(readFileSync(join(folderOf(kind), 'config.json'), 'utf8')) as Record<string, unknown>;

  test.each([
    ['qwen3', 'use_sliding_window', true],
    ['qwen2', 'layer_types', ['sliding_attention', 'full_attention']],
    ['qwen2', 'attention_bias', true],
    ['llama-linear', 'hidden_act', 'gelu'],
    ['llama-linear', 'attention_dropout', 0.1],
    ['llama-linear', 'rope_parameters', { rope_type: 'yarn', factor: 4 }],
    ['llama-linear', 'rope_scaling', { type: 'dynamic', factor: 2 }],
    ['llama-linear', 'rope_parameters', { rope_type: 'default', partial_rotary_factor: 0.5 }],
    ['llama-linear', 'quantization_config', { quant_method: 'gptq' }],
    ['llama-linear', 'logit_scale', 2],
    ['llama-linear', 'model_type', 'gemma'],
  ])('%s: %s = %j', (kind, field, value) => {
    expectRefused({ ...configOf(kind), [field]: value }, field);
  });

  test('refuses an odd head size, which cannot be rotated', () => {
    expect(() => readArchitecture({ ...configOf('llama-linear'), head_dim: 7 }, 'config.json')).toThrow(/head_dim/);
  });
});

describe('an invalid checkpoint is reported with its tensor', () => {
  test('a tensor that the model does not have', async () => {
    const folder = mkdtempSync(join(scratch, 'extra-'));
    await cp(folderOf('qwen2'), folder, { recursive: true });
    const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
    await writeFile(
      join(folder, 'config.json'),
      JSON.stringify({ ...config, num_hidden_layers: 1, layer_types: null }),
    );
    await expect(engine.loadCheckpoint(folder)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringContaining('model.layers.1.') as string,
    });
  });
});
