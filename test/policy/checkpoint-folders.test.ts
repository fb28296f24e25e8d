/** Checkpoint folders as they come: what is in them is used, or refused with a message that says what to do. */
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { readSafetensorsFolder, writeSafetensorsFolder } from '../../artifacts/codecs/safetensors-folder.ts';
import { float32Tensor, readFloat32 } from '../../artifacts/codecs/tensor-values.ts';
import { required } from '../../core/assert.ts';
import { openForm, withSmallFiles } from '../../policy/checkpoints/form.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { readArchitecture } from '../../policy/models/architecture.ts';
import { loadProcessor } from '../../policy/processor.ts';

const model = fileURLToPath(new URL('../fixtures/text-models/qwen2', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'mtrl-checkpoints-'));
const engine = new EmbeddedEngine({ threadCount: 1 });
afterAll(async () => {
  await engine.close();
  rmSync(scratch, { recursive: true });
});

async function changed(change: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = mkdtempSync(join(scratch, 'folder-'));
  await cp(model, folder, { recursive: true });
  await change(folder);
  return folder;
}

async function edit(folder: string, name: string, change: (json: Record<string, unknown>) => unknown): Promise<void> {
  const json = JSON.parse(await readFile(join(folder, name), 'utf8')) as Record<string, unknown>;
  await writeFile(join(folder, name), JSON.stringify(change(json)));
}

const pointer = `version https://example.org/git-lfs/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 2400000\n`;

describe('config.json', () => {
  const config = async (): Promise<Record<string, unknown>> =>
    JSON.parse(await readFile(join(model, 'config.json'), 'utf8')) as Record<string, unknown>;

  test.each([
    { rope_interleaved: false },
    { use_mrope: false },
    { quantization_config: null },
    { some_future_option: null, _model_name_or_path: 'org/name' },
    { output_router_logits: false },
    { unsloth_fixed: true, unsloth_version: '2025.9.1' },
    { auto_map: { AutoModel: 'x.Y' } },
    { keys_to_ignore_at_inference: ['past_key_values'], _attn_implementation: 'flash_attention_2' },
  ])('is taken with %j', async (fields) => {
    const found = readArchitecture({ ...(await config()), ...fields }, model);
    expect(found.text).toEqual(readArchitecture(await config(), model).text);
  });

  test.each([{ rope_interleaved: true }, { use_mrope: true }, { quantization_config: { bits: 4 } }])(
    'is refused with %j',
    async (fields) => {
      const json = { ...(await config()), ...fields };
      const [name] = Object.keys(fields);
      expect(() => readArchitecture(json, model)).toThrow(
        expect.objectContaining({
          code: 'CHECKPOINT_UNSUPPORTED',
          message: expect.stringContaining(required(name, 'a field')) as string,
        }) as Error,
      );
    },
  );
});

describe('weights', () => {
  const weightName = 'model.layers.0.self_attn.q_proj.weight';

  test.each([NaN, Infinity, -Infinity])('that contain %s are refused by name', async (bad) => {
    const folder = await changed(async (target) => {
      const tensors = await readSafetensorsFolder(target, 'model');
      const tensor = required(tensors.get(weightName), weightName);
      const values = Float32Array.from(readFloat32(tensor));
      values[7] = bad;
      tensors.set(weightName, float32Tensor(values, tensor.shape));
      await rm(join(target, 'model.safetensors.index.json'));
      await writeSafetensorsFolder(target, 'model', tensors);
    });
    await expect(engine.loadCheckpoint(folder)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: `the tensor ${weightName} contains a value that is not finite`,
      details: { where: folder, found: `${bad} at 7 of 1024` },
    });
  });

  const withHead = (factor: number) =>
    changed(async (target) => {
      const tensors = await readSafetensorsFolder(target, 'model');
      const embeddings = required(tensors.get('model.embed_tokens.weight'), 'embeddings');
      const head = readFloat32(embeddings).map((value) => value * factor);
      tensors.set('lm_head.weight', float32Tensor(head, embeddings.shape));
      await rm(join(target, 'model.safetensors.index.json'));
      await writeSafetensorsFolder(target, 'model', tensors);
    });

  test('with a head that differs from the embeddings that it is tied to are refused', async () => {
    await expect(engine.loadCheckpoint(await withHead(2))).rejects.toMatchObject({
      code: 'CHECKPOINT_UNSUPPORTED',
      message: 'lm_head.weight differs from the embeddings to which config.json ties it',
    });
  });

  test('with a copy of the embeddings as head are taken', async () => {
    await expect(engine.loadCheckpoint(await withHead(1))).resolves.toHaveProperty('parameterCount');
  });

  test('that are pickled are never opened', async () => {
    const folder = await changed(async (target) => {
      for (const name of ['model.safetensors.index.json', 'model-00001-of-00003.safetensors'])
        await rm(join(target, name));
      await writeFile(join(target, 'pytorch_model.bin'), 'pickle');
    });
    await expect(engine.loadCheckpoint(folder)).rejects.toMatchObject({
      code: 'FILE_MISSING',
      details: {
        where: join(folder, 'model.safetensors'),
        found: 'pickled weights: pytorch_model.bin',
        hint: expect.stringContaining('never opened') as string,
      },
    });
  });

  test('that are a Git LFS pointer are told from damaged ones', async () => {
    const folder = await changed((target) => writeFile(join(target, 'model-00001-of-00003.safetensors'), pointer));
    await expect(engine.loadCheckpoint(folder)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: 'the weights file is a Git LFS pointer and not the file itself',
      details: { where: join(folder, 'model-00001-of-00003.safetensors') },
    });
  });
});

describe('a tokenizer', () => {
  test('that is a Git LFS pointer is told from a damaged one', async () => {
    const folder = await changed((target) => writeFile(join(target, 'tokenizer.json'), pointer));
    await expect(loadProcessor(folder)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: 'tokenizer.json is a Git LFS pointer and not the file itself',
    });
  });

  test('of SentencePiece alone is refused with the way out', async () => {
    const folder = await changed((target) => rename(join(target, 'tokenizer.json'), join(target, 'tokenizer.model')));
    await expect(loadProcessor(folder)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: 'tokenizer.json is missing',
      details: { hint: expect.stringContaining('tokenizer.model') as string },
    });
  });

  test.each([
    ['a template of other things than tokens', { single: [null], pair: [] }],
    ['no template', { single: 1, pair: [] }],
  ])('whose post-processor has %s is refused', async (_, template) => {
    const folder = await changed((target) =>
      edit(target, 'tokenizer.json', (json) => ({
        ...json,
        post_processor: { type: 'TemplateProcessing', special_tokens: {}, ...template },
      })),
    );
    await expect(loadProcessor(folder)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: 'tokenizer.json cannot be used',
      details: { where: join(folder, 'tokenizer.json') },
    });
  });

  test('that cuts at digits cuts at all numeric characters, as the Rust library does', async () => {
    const folder = await changed((target) =>
      edit(target, 'tokenizer.json', (json) => ({
        ...json,
        pre_tokenizer: {
          type: 'Sequence',
          pretokenizers: [{ type: 'Digits', individual_digits: true }, json['pre_tokenizer']],
        },
      })),
    );
    const processor = await loadProcessor(folder);
    const idsOf = (text: string): number[] => processor.encodeCompletion(text);
    const [cut, alone] = [idsOf('a ½'), [...idsOf('a '), ...idsOf('½')]];
    const stop = required(cut.at(-1), 'a stop token');
    expect(cut).toEqual([...alone.filter((id) => id !== stop), stop]);
  });
});

describe('a chat template', () => {
  const withTemplate = (template: unknown) =>
    changed(async (target) => {
      await rm(join(target, 'chat_template.jinja'));
      await edit(target, 'tokenizer_config.json', (json) => ({ ...json, chat_template: template }));
    });
  const text = "{{ messages[0]['content'] }}";

  test.each([
    text,
    { default: text, rag: 'x' },
    [
      { name: 'rag', template: 'x' },
      { name: 'default', template: text },
    ],
  ])('is read from %j', async (template) => {
    const processor = await loadProcessor(await withTemplate(template));
    const { tokenIds } = await processor.encodePrompt([{ role: 'user', content: [{ type: 'text', text: 'yes' }] }], []);
    expect(tokenIds).toEqual(processor.encodeCompletion('yes').slice(0, -1));
  });

  test.each([
    [null, 'no chat_template.jinja, and no chat_template in chat_template.json or tokenizer_config.json'],
    [{ rag: 'x', tool_use: 'y' }, 'templates named rag, tool_use, but none named default'],
  ])('is missed in %j', async (template, found) => {
    const folder = await withTemplate(template);
    await expect(loadProcessor(folder)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: 'the checkpoint has no chat template',
      details: { where: folder, found, hint: expect.stringContaining('chat_template.jinja') as string },
    });
  });
});

describe('a template that opens the reasoning', () => {
  const answer = '<think> it is big </think> <answer> yes </answer>';
  const processorWith = async (end: string) => {
    const template = `{{ messages[0]['content'] }}{% if add_generation_prompt %}{{ '${end}' }}{% endif %}`;
    return loadProcessor(await changed((target) => writeFile(join(target, 'chat_template.jinja'), template)));
  };

  test('is continued by targets, and completions read as if they had opened it', async () => {
    const opening = await processorWith('<|im_start|>assistant\\n<think>\\n');
    const plain = await processorWith('<|im_start|>assistant\\n');
    const tokenIds = opening.encodeCompletion(answer);
    expect(tokenIds).toEqual(plain.encodeCompletion('it is big </think> <answer> yes </answer>'));
    expect(opening.decodeCompletion(tokenIds)).toBe('<think>\nit is big </think> <answer> yes </answer>');
    const from = answer.indexOf('it');
    expect(opening.encodeCompletion({ text: answer, rows: [[from, from + 9]] })).toEqual(tokenIds);
    expect(opening.decodeCompletion(plain.encodeCompletion('<answer> yes </answer>'))).toBe('<answer> yes </answer>');
  });

  test('and closes it again opens nothing', async () => {
    const closing = await processorWith('<|im_start|>assistant\\n<think>\\n\\n</think>\\n\\n');
    expect(closing.decodeCompletion(closing.encodeCompletion(answer))).toBe(answer);
  });
});

describe('several stop tokens', () => {
  test('are those of config.json where generation_config.json names none', async () => {
    const ids = async (files: Readonly<Record<string, object>>) => {
      const folder = await changed(async (target) => {
        await rm(join(target, 'generation_config.json'));
        for (const [name, fields] of Object.entries(files))
          await edit(target, name, (json) => ({ ...json, ...fields })).catch(() =>
            writeFile(join(target, name), JSON.stringify(fields)),
          );
      });
      const { stopTokenId, otherStopTokenIds = [] } = await loadProcessor(folder);
      return [stopTokenId, ...otherStopTokenIds];
    };
    const own = await ids({ 'config.json': { eos_token_id: null } });
    expect(own).toHaveLength(1);
    expect(await ids({ 'config.json': { eos_token_id: [5, 6] } })).toEqual([5, 6]);
    const both = { 'config.json': { eos_token_id: 5 }, 'generation_config.json': { eos_token_id: 6 } };
    expect(await ids(both)).toEqual([6]);
  });

  test('all end completions, and none is banned', async () => {
    const folder = await changed((target) =>
      edit(target, 'generation_config.json', (json) => ({ ...json, eos_token_id: [0, 2, 999_999] })),
    );
    const processor = await loadProcessor(folder);
    expect(processor).toMatchObject({ stopTokenId: 2, otherStopTokenIds: [0] });
    expect(processor.bannedTokenIds).not.toContain(0);
    expect(processor.decodeCompletion([...processor.encodeCompletion('yes').slice(0, -1), 0])).toBe('yes');
  });

  test('end rollouts', async () => {
    await engine.loadCheckpoint(model);
    const sample = async (otherStopTokenIds: readonly number[]) => {
      const { groups } = await engine.sample({
        ...{ prompts: [{ tokenIds: [5, 6, 7], images: [] }], groupSize: 1, seed: 0, step: 0, promptOffset: 0 },
        promptTokenCountMax: 3,
        tokens: { stopTokenId: 2, otherStopTokenIds, padTokenId: 0, bannedTokenIds: [] },
        sampling: { temperature: 1, greedy: true, tokenCountMax: 8 },
      });
      return required(groups[0]?.[0], 'a completion');
    };
    const { tokenIds } = await sample([]);
    const third = required(tokenIds[2], 'a third token');
    const ended = await sample([third]);
    expect(ended.tokenIds).toEqual(tokenIds.slice(0, tokenIds.indexOf(third) + 1));
    expect(ended.finishReason).toBe('stop');
  });
});

describe('an adapter folder', () => {
  const lora = { rank: 4, alpha: 8, modules: ['q_proj', 'down_proj'], seed: 1 };
  let made: Promise<string> | undefined;
  // Made when it is first asked for: the tests before this one use the same engine.
  const trained = (): Promise<string> => (made ??= train());
  const train = async (): Promise<string> => {
    const folder = mkdtempSync(join(scratch, 'trained-'));
    await engine.loadCheckpoint(model);
    await engine.prepareTraining({ lora });
    const group = { prompt: { tokenIds: [5, 6, 7], images: [] }, completions: [{ tokenIds: [8, 9], tokenWeight: 1 }] };
    const tokens = { stopTokenId: 2, padTokenId: 0, bannedTokenIds: [] };
    for (let step = 0; step < 3; step++) {
      await engine.forwardBackward({ groups: [group], tokens, temperature: 1, loss: { name: 'cross_entropy' } });
      const adamw = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientNormMax: 1 };
      await engine.optimStep({ learningRate: 0.05, ...adamw });
    }
    await engine.saveState(folder);
    return folder;
  };

  const adapterFolder = async (change: (config: Record<string, unknown>) => unknown): Promise<string> => {
    const folder = mkdtempSync(join(scratch, 'adapter-'));
    for (const name of ['adapter_config.json', 'adapter_model.safetensors'])
      await cp(join(await trained(), `optimizer-${name}`), join(folder, name));
    await edit(folder, 'adapter_config.json', change);
    return folder;
  };

  test('opens as its base with the adapter added', async () => {
    const folder = await adapterFolder((config) => ({ ...config, base_model_name_or_path: model }));
    const form = required(await openForm(folder), 'a form');
    expect(form.description).toEqual({ form: 'adapter', rank: 4, alpha: 8, base: model });
    const target = join(scratch, 'merged');
    await mkdir(target);
    await form.writeFolder(target);
    const [found, expected] = [
      await readSafetensorsFolder(target, 'model'),
      await readSafetensorsFolder(await trained(), 'model'),
    ];
    const base = await readSafetensorsFolder(model, 'model');
    const name = 'model.layers.1.mlp.down_proj.weight';
    const valuesOf = (tensors: typeof found): Float32Array => readFloat32(required(tensors.get(name), name));
    expect(Math.max(...valuesOf(found).map((value, i) => Math.abs(value - (valuesOf(base)[i] ?? 0))))).toBeGreaterThan(
      0.01,
    );
    for (const [key, tensor] of expected) {
      const values = readFloat32(required(found.get(key), key));
      const worst = Math.max(...readFloat32(tensor).map((value, i) => Math.abs(value - (values[i] ?? NaN))));
      expect(worst, key).toBeLessThan(1e-6);
    }
    await withSmallFiles(folder, loadProcessor);
  });

  test('brings its base from the Hub, at the revision that it names', async () => {
    const asked: string[] = [];
    const fetchBase = (address: string): Promise<string> => {
      asked.push(address);
      return Promise.resolve(model);
    };
    for (const revision of [null, 'refs/pr/1'])
      await openForm(
        await adapterFolder((config) => ({ ...config, base_model_name_or_path: 'org/name', revision })),
        fetchBase,
      );
    expect(asked).toEqual(['hf:org/name', 'hf:org/name@refs%2Fpr%2F1']);
  });

  test('without a base, with another kind of adapter, or beside a whole model is refused', async () => {
    await expect(openForm(await adapterFolder((config) => config))).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: 'the adapter does not name its base',
    });
    const named = { base_model_name_or_path: 'org/gone' };
    await expect(openForm(await adapterFolder((config) => ({ ...config, ...named })))).rejects.toMatchObject({
      code: 'FILE_MISSING',
      details: { found: 'org/gone' },
    });
    for (const [field, value] of [
      ['use_dora', true],
      ['modules_to_save', ['lm_head']],
      ['peft_type', 'IA3'],
    ] as const)
      await expect(openForm(await adapterFolder((config) => ({ ...config, [field]: value })))).rejects.toMatchObject({
        code: 'CHECKPOINT_UNSUPPORTED',
        message: `adapter_config.json: ${field} is not supported`,
      });
    const beside = await changed((target) => writeFile(join(target, 'adapter_config.json'), '{}'));
    await expect(openForm(beside)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: 'the folder has both a whole model and an adapter',
    });
  });
});
