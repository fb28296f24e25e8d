import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { loadProcessor } from '../../policy/processor.ts';
import type { ChatMessage } from '../../core/chat-message.ts';
import { Tokenizer } from '../../policy/text/tokenizer.ts';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const demo = path('../../recipes/demo-config');
const tied = path('../fixtures/idefics3/tied');
const root = mkdtempSync(join(tmpdir(), 'mtrl-processor-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

interface PeerCase {
  readonly messages: readonly (readonly ChatMessage[])[];
  readonly promptIds: readonly (readonly number[])[];
  readonly promptAttentionMask: readonly (readonly number[])[];
  readonly imageIndices: readonly (readonly number[])[];
}
const readJson = (relative: string): unknown => JSON.parse(readFileSync(path(relative), 'utf8'));
const cases = (readJson('../fixtures/idefics3/cases.json') as { cases: Record<string, PeerCase> }).cases;
const demoPrompts = readJson('../fixtures/processor/demo-prompts.json') as {
  messages: ChatMessage[];
  text: string;
  tokenIds: number[];
}[];

async function blank(level: number): Promise<Uint8Array> {
  return sharp({ create: { width: 32, height: 32, channels: 3, background: { r: level, g: level, b: level } } })
    .png()
    .toBuffer();
}

async function imagesFor(messages: readonly ChatMessage[]): Promise<Uint8Array[]> {
  const parts = messages.flatMap(({ content }) => content).filter(({ type }) => type === 'image');
  return Promise.all(parts.map((_, i) => blank(i)));
}

describe('prompts', () => {
  it.each(Object.entries(cases))('match the token ids of Idefics3Processor: %s', async (_, peer) => {
    const processor = await loadProcessor(tied);
    for (const [row, messages] of peer.messages.entries()) {
      const { tokenIds, images } = await processor.encodePrompt(messages, await imagesFor(messages));
      const expected = peer.promptIds[row]?.filter((_, i) => peer.promptAttentionMask[row]?.[i] === 1);
      expect(tokenIds).toEqual(expected);
      expect(images).toHaveLength(peer.imageIndices[row]?.length ?? NaN);
    }
  });

  it.each(demoPrompts)('of the demo match the ids of AutoProcessor: $text', async ({ messages, tokenIds }) => {
    const processor = await loadProcessor(demo);
    expect((await processor.encodePrompt(messages, await imagesFor(messages))).tokenIds).toEqual(tokenIds);
  });

  it('keep their images in the order of the image parts', async () => {
    const processor = await loadProcessor(demo);
    const messages: ChatMessage[] = [{ role: 'user', content: [{ type: 'image' }, { type: 'image' }] }];
    const { images } = await processor.encodePrompt(messages, [await blank(255), await blank(0)]);
    expect(images.map(({ data, height, width }) => [data.length, height, width, data[0]])).toEqual([
      [3 * 32 * 32, 32, 32, 1],
      [3 * 32 * 32, 32, 32, -1],
    ]);
  });

  it('whose text contains an image mark are refused', async () => {
    const processor = await loadProcessor(demo);
    const messages: ChatMessage[] = [
      { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'is <image> safe ?' }] },
    ];
    await expect(processor.encodePrompt(messages, [await blank(0)])).rejects.toMatchObject({ code: 'PROMPT_INVALID' });
    await expect(processor.encodePrompt(messages, [])).rejects.toMatchObject({ code: 'INVARIANT' });
  });

  it('with an unreadable image are refused', async () => {
    const processor = await loadProcessor(demo);
    const messages: ChatMessage[] = [{ role: 'user', content: [{ type: 'image' }] }];
    for (const bytes of [new Uint8Array(), Buffer.from('no image'), (await blank(0)).slice(0, 60)]) {
      await expect(processor.encodePrompt(messages, [bytes])).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    }
  });
});

describe('completions', () => {
  it('round-trip with tags kept and the stop token at the end', async () => {
    const processor = await loadProcessor(demo);
    const text = '<think> first flower second flame </think> <answer> first </answer>';
    const tokenIds = processor.encodeCompletion(text);
    expect(tokenIds.at(-1)).toBe(processor.stopTokenId);
    expect(processor.decodeCompletion(tokenIds)).toBe(text);
    expect(processor.decodeCompletion(tokenIds.slice(0, -1))).toBe(text);
    expect(processor.decodeCompletion([processor.stopTokenId])).toBe('');
    expect(processor.decodeCompletion([])).toBe('');
  });

  it('contain no token that sampling bans', async () => {
    const processor = await loadProcessor(demo);
    for (const text of ['<think> a word nobody knows', 'yes <image>', 'yes <eos> no', '<pad>']) {
      expect(() => processor.encodeCompletion(text), text).toThrow(
        expect.objectContaining({ code: 'PROMPT_INVALID' }) as Error,
      );
    }
  });

  it('never contain padding, begin, unknown or image tokens, or ids without a word', async () => {
    const processor = await loadProcessor(demo);
    const tokenizer = await Tokenizer.load(demo);
    const names = processor.bannedTokenIds.map((id) => tokenizer.tokenOf(id) ?? 'none');
    expect(names).toEqual([
      '<pad>',
      '<bos>',
      '<unk>',
      '<image>',
      '<fake_token_around_image>',
      '<global-img>',
      'none',
      'none',
      'none',
      'none',
    ]);
    expect(processor.bannedTokenIds).not.toContain(processor.stopTokenId);
  });
});

describe('an invalid checkpoint', () => {
  const edit = async (name: string, change: (value: Record<string, unknown>) => void): Promise<string> => {
    const folder = mkdtempSync(join(root, 'fault-'));
    await cp(demo, folder, { recursive: true });
    const value = JSON.parse(await readFile(join(folder, name), 'utf8')) as Record<string, unknown>;
    change(value);
    await writeFile(join(folder, name), JSON.stringify(value));
    return folder;
  };

  it.each([
    ['preprocessor_config.json', 'resample', 0, 'CHECKPOINT_UNSUPPORTED'],
    ['preprocessor_config.json', 'image_mean', [0.5], 'CHECKPOINT_INVALID'],
    ['preprocessor_config.json', 'max_image_size', { longest_edge: 48 }, 'CHECKPOINT_INVALID'],
    ['processor_config.json', 'image_seq_len', 17, 'CHECKPOINT_INVALID'],
    ['config.json', 'image_token_id', 5, 'CHECKPOINT_INVALID'],
    ['config.json', 'scale_factor', 0, 'CHECKPOINT_UNSUPPORTED'],
    ['config.json', 'sliding_window_pattern', 6, 'CHECKPOINT_UNSUPPORTED'],
    ['generation_config.json', 'eos_token_id', 95, 'CHECKPOINT_INVALID'],
    ['tokenizer_config.json', 'pad_token', 7, 'CHECKPOINT_INVALID'],
  ])('is reported with file and field: %s %s = %j', async (name, field, value, code) => {
    const folder = await edit(name, (config) => (config[field] = value));
    const error = { code, message: expect.stringContaining(field) as string, details: { where: join(folder, name) } };
    await expect(loadProcessor(folder)).rejects.toMatchObject(error);
  });

  it.each(['config.json', 'tokenizer.json', 'preprocessor_config.json', 'chat_template.jinja'])(
    'is reported with a missing or broken file: %s',
    async (name) => {
      const folder = mkdtempSync(join(root, 'missing-'));
      await cp(demo, folder, { recursive: true });
      await writeFile(join(folder, name), '{% broken');
      await expect(loadProcessor(folder)).rejects.toMatchObject({
        code: 'CHECKPOINT_INVALID',
        details: { where: join(folder, name) },
      });
      await rm(join(folder, name));
      await expect(loadProcessor(folder)).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
    },
  );
});
