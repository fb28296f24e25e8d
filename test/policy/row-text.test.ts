import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { required } from '../../core/assert.ts';
import { markRow, unusedMarks } from '../../core/marked-text.ts';
import type { ChatMessage, ContentPart, TextPart } from '../../core/chat-message.ts';
import { loadProcessor, type Processor } from '../../policy/processor.ts';
import { Tokenizer } from '../../policy/text/tokenizer.ts';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** Word-level tokenizers have one unknown token for all unknown text. */
const folders = {
  demo: { folder: path('../../recipes/demo-config'), spells: false, images: 1 },
  idefics3: { folder: path('../fixtures/idefics3/tied'), spells: false, images: 1 },
  smolvlm: { folder: path('../fixtures/smolvlm/model'), spells: true, images: 1 },
  'qwen3-vl': { folder: path('../fixtures/qwen3-vl/tied'), spells: true, images: 1 },
  llama: { folder: path('../fixtures/text-models/llama-linear'), spells: true, images: 0 },
  llama3: { folder: path('../fixtures/text-models/llama3-scaled'), spells: true, images: 0 },
  qwen2: { folder: path('../fixtures/text-models/qwen2'), spells: true, images: 0 },
  qwen3: { folder: path('../fixtures/text-models/qwen3'), spells: true, images: 0 },
} as const;
type Name = keyof typeof folders;
const names = Object.keys(folders) as Name[];

const tokensOfAllModels = [
  '<|im_end|>',
  '<|im_start|>',
  '<image>',
  '<|image_pad|>',
  '<fake_token_around_image>',
  '<end_of_utterance>',
  '</answer>',
];

function addedTokens(name: Name): string[] {
  const file = readFileSync(join(folders[name].folder, 'tokenizer.json'), 'utf8');
  const { added_tokens: added } = JSON.parse(file) as { added_tokens: { content: string }[] };
  return added.map(({ content }) => content);
}

const pixels = await sharp({ create: { width: 32, height: 32, channels: 3, background: 'red' } })
  .png()
  .toBuffer();

const loading = new Map(names.map((name) => [name, loadProcessor(folders[name].folder)] as const));
const tokenizers = new Map(names.map((name) => [name, Tokenizer.load(folders[name].folder)] as const));
const processorOf = (name: Name): Promise<Processor> => required(loading.get(name), name);

/** Encodes an image, if the model reads images, then the text. */
async function encode(name: Name, part: TextPart): Promise<number[]> {
  const { images } = folders[name];
  const shown: ContentPart[] = images === 0 ? [] : [{ type: 'image' }];
  const messages: ChatMessage[] = [{ role: 'user', content: [...shown, part] }];
  const { tokenIds } = await (await processorOf(name)).encodePrompt(messages, images === 0 ? [] : [pixels]);
  return [...tokenIds];
}

const beside = (row: string, before = 'is ', after = ' true'): TextPart => ({
  type: 'text',
  text: before + row + after,
  rows: [[before.length, before.length + row.length]],
});

/** Ids of added tokens in a prompt except the unknown token, which stands for plain text. */
async function specialIds(name: Name, part: TextPart): Promise<number[]> {
  const tokenizer = await required(tokenizers.get(name), name);
  const added = new Set(addedTokens(name).map((token) => tokenizer.requireId(token)));
  added.delete(tokenizer.specialId('unk_token') ?? -1);
  return (await encode(name, part)).filter((id) => added.has(id));
}

describe.each(names)('text of rows: %s', (name) => {
  const spelled = [...new Set([...tokensOfAllModels, ...addedTokens(name)])];

  it.each(spelled)('%s in a row is not a special token, and decodes to itself', async (token) => {
    const expected = await specialIds(name, beside('red'));
    expect(await specialIds(name, beside(token))).toEqual(expected);
    expect(await specialIds(name, beside(`red${token}${token}`))).toEqual(expected);
    if (!folders[name].spells) return;
    const decoded = (await required(tokenizers.get(name), name)).decode(await encode(name, beside(token)));
    expect(decoded).toContain(`is ${token} true`);
  });

  it('the template may write special tokens; a row cannot complete one', async () => {
    const token = required(addedTokens(name).at(-1), 'an added token');
    const plain = await specialIds(name, beside('red'));
    const written: TextPart = { type: 'text', text: `is ${token} true` };
    expect((await specialIds(name, written)).length).toBe(plain.length + 1);
    for (let cut = 1; cut < token.length; cut++) {
      const [head, tail] = [token.slice(0, cut), token.slice(cut)];
      expect(await specialIds(name, beside(head, 'is ', tail))).toEqual(plain);
      expect(await specialIds(name, beside(tail, head, ''))).toEqual(plain);
    }
  });

  it('no row opens or closes a turn or adds a picture, whatever it contains', async () => {
    const expected = await specialIds(name, beside('red'));
    const pieces = fc.oneof(
      fc.constantFrom(...spelled),
      fc.constantFrom(' ', '\n', '{{ x }}', '{% raw %}', '<|', '|>', '<im', 'age>', '\ufdd0', '\ufdd1'),
      fc.string({ unit: 'grapheme', maxLength: 6 }),
    );
    const rows = fc.array(pieces, { minLength: 1, maxLength: 8 }).map((some) => some.join(''));
    await fc.assert(
      fc.asyncProperty(rows, async (row) => {
        expect(await specialIds(name, beside(row))).toEqual(expected);
      }),
      { seed: 18, numRuns: 100 },
    );
  });

  it('ids of ordinary rows equal those of the whole text', async () => {
    const words = fc.array(
      fc.constantFrom('red', 'circle', ' ', '\n', 'it’s', '12', '?', ' é', 'ß', '日本', '\t', "'ll"),
    );
    const borders = fc.constantFrom('', ' ', 'x', ' is "', "'", '1');
    await fc.assert(
      fc.asyncProperty(words, borders, borders, async (some, before, after) => {
        const part = beside(some.join(''), before, after);
        if (part.text.trim() === '') return;
        expect(await encode(name, part)).toEqual(await encode(name, { type: 'text', text: part.text }));
      }),
      { seed: 18, numRuns: 100 },
    );
  });
});

describe.each(names.filter((name) => folders[name].spells))('targets: %s', (name) => {
  it('a rationale that spells the stop token is plain text in a target', async () => {
    const processor = await processorOf(name);
    const [open, row] = ['<think> ', addedTokens(name).join(' and ')];
    const text = `${open}${row} </think>`;
    const tokenIds = processor.encodeCompletion({ text, rows: [[open.length, open.length + row.length]] });
    expect(tokenIds.indexOf(processor.stopTokenId)).toBe(tokenIds.length - 1);
    expect(processor.decodeCompletion(tokenIds)).toBe(text);
  });
});

describe('added tokens that are plain text', () => {
  it('are found in rows as in all text, unless they look like a mark', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mtrl-row-text-'));
    await cp(folders.llama3.folder, folder, { recursive: true });
    const file = join(folder, 'tokenizer.json');
    const description = JSON.parse(readFileSync(file, 'utf8')) as { added_tokens: { id: number }[] };
    const idMax = Math.max(...description.added_tokens.map(({ id }) => id));
    const usual = { special: false, single_word: false, lstrip: false, rstrip: false };
    const contents = ['#good', '    ', '<tool>', '[x]'];
    description.added_tokens.push(
      ...contents.map((content, i) => ({ ...usual, id: idMax + 1 + i, content, normalized: content === '#good' })),
    );
    await writeFile(file, JSON.stringify(description));
    const tokenizer = await Tokenizer.load(folder);
    await rm(folder, { recursive: true });
    const encoded = (row: string): number[] => {
      const marks = unusedMarks([row]);
      return tokenizer.encodeMarked(`is ${markRow(row, marks)} so`, marks);
    };
    for (const row of ['x #good', 'if x:\n    y', '#good    #good'])
      expect(encoded(row)).toEqual(tokenizer.encode(`is ${row} so`));
    expect(encoded('x #good')).toContain(tokenizer.requireId('#good'));
    expect(encoded('a    b')).toContain(tokenizer.requireId('    '));
    for (const row of ['<tool>', '[x]']) {
      expect(encoded(row)).not.toContain(tokenizer.requireId(row));
      expect(tokenizer.decode(encoded(row))).toBe(`is ${row} so`);
    }
  });
});
