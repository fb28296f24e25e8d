/** GGUF files: values of every type, and whole checkpoints, against the Python package `gguf` (test/fixtures/gguf). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { decodeSafetensors } from '../../artifacts/codecs/safetensors.ts';
import { readSafetensorsFolder } from '../../artifacts/codecs/safetensors-folder.ts';
import { readFloat32 } from '../../artifacts/codecs/tensor-values.ts';
import { required } from '../../core/assert.ts';
import { blockTypes } from '../../policy/checkpoints/gguf/block-types.ts';
import { openGguf, readGgufTensor } from '../../policy/checkpoints/gguf/gguf-file.ts';
import { GgufMetadata } from '../../policy/checkpoints/gguf/metadata.ts';
import { tokenizerFiles } from '../../policy/checkpoints/gguf/tokenizer.ts';
import { writeGgufFolder } from '../../policy/checkpoints/gguf/write-folder.ts';
import { readArchitecture } from '../../policy/models/architecture.ts';
import { loadProcessor } from '../../policy/processor.ts';
import { Tokenizer } from '../../policy/text/tokenizer.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/gguf/${name}`, import.meta.url));
const original = (name: string): string => fileURLToPath(new URL(`../fixtures/text-models/${name}`, import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'mtrl-gguf-'));
afterAll(() => {
  rmSync(scratch, { recursive: true });
});

const typesFile = await openGguf(fixture('types.gguf'));
const { tensors: typeValues } = decodeSafetensors(readFileSync(fixture('types.safetensors')));

test('the fixture has every type that can be read', () => {
  expect(typesFile.tensors.map(({ typeName }) => typeName).sort()).toEqual([...blockTypes.keys()].sort());
});

test.each(typesFile.tensors.map((tensor) => [tensor.typeName, tensor] as const))(
  'values of %s equal those of the package, bit for bit',
  async (name, tensor) => {
    const expected = required(typeValues.get(name), name);
    expect(tensor.shape).toEqual(expected.shape);
    expect(await readGgufTensor(typesFile, tensor)).toEqual(readFloat32(expected));
  },
);

const checkpoints = [
  { name: 'llama3', source: 'llama3-scaled' },
  { name: 'qwen2', source: 'qwen2' },
  { name: 'qwen3', source: 'qwen3' },
];

describe.each(checkpoints)('$name.gguf', ({ name, source }) => {
  const folder = join(scratch, name);
  const written = mkdir(folder).then(async () => writeGgufFolder(await openGguf(fixture(`${name}.gguf`)), folder));
  const jsonOf = (from: string): unknown => JSON.parse(readFileSync(join(from, 'config.json'), 'utf8'));

  test('has the config of the folder that it was made from', async () => {
    await written;
    const { text } = readArchitecture(jsonOf(folder), folder);
    expect(text).toEqual(readArchitecture(jsonOf(original(source)), source).text);
  });

  test('has its weights', async () => {
    await written;
    const found = await readSafetensorsFolder(folder, 'model');
    const expected = await readSafetensorsFolder(original(source), 'model');
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [key, tensor] of expected) {
      expect(found.get(key)?.shape, key).toEqual(tensor.shape);
      expect(readFloat32(required(found.get(key), key)), key).toEqual(readFloat32(tensor));
    }
  });

  test('encodes prompts, and ends completions, as it does', async () => {
    await written;
    const [processor, other] = [await loadProcessor(folder), await loadProcessor(original(source))];
    for (const text of ['Is 17 > 9?  Answer yes or no.', 'un café à Paris 🙂\n\n ', '<|im_start|> in a row']) {
      const messages = [{ role: 'user' as const, content: [{ type: 'text' as const, text }] }];
      expect(await processor.encodePrompt(messages, [])).toEqual(await other.encodePrompt(messages, []));
    }
    const { stopTokenId, padTokenId, bannedTokenIds } = other;
    expect(processor).toMatchObject({ stopTokenId, padTokenId, bannedTokenIds });
  });
});

describe('a tokenizer with scores instead of merges', () => {
  interface Case {
    readonly text: string;
    readonly ids: readonly number[];
    readonly decoded: string;
  }
  const cases = JSON.parse(readFileSync(fixture('sentencepiece.json'), 'utf8')) as readonly Case[];
  const folder = join(scratch, 'sentencepiece');
  const loaded = mkdir(folder).then(async () => {
    const { metadata } = await openGguf(fixture('sentencepiece.gguf'));
    for (const [name, content] of Object.entries(tokenizerFiles(metadata, 1000)))
      writeFileSync(join(folder, name), JSON.stringify(content));
    return Tokenizer.load(folder);
  });

  test.each(cases)('encodes and decodes $text as the Rust library', async ({ text, ids, decoded }) => {
    const tokenizer = await loaded;
    expect(tokenizer.encode(text)).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(decoded);
  });
});

/** A copy of a fixture with changed bytes. */
function altered(name: string, alter: (bytes: Buffer) => Buffer): string {
  const path = join(scratch, `altered-${name}`);
  writeFileSync(path, alter(readFileSync(fixture(name))));
  return path;
}

/** Overwrites the bytes that start `offset` bytes after the text. */
function patched(bytes: Buffer, text: string, offset: number, patch: Buffer): Buffer {
  const at = bytes.indexOf(text) + offset;
  patch.copy(bytes, at);
  return bytes;
}

async function convert(path: string): Promise<void> {
  await writeGgufFolder(await openGguf(path), mkdtempSync(join(scratch, 'refused-')));
}

describe('a file that cannot be opened', () => {
  const uint32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
  const cases = {
    'cut short in its tensors': {
      alter: (bytes: Buffer) => bytes.subarray(0, 50_000),
      problem: { code: 'CHECKPOINT_INVALID', message: 'the GGUF file is cut short' },
    },
    'cut short in its metadata': {
      alter: (bytes: Buffer) => bytes.subarray(0, 700),
      problem: { code: 'CHECKPOINT_INVALID', message: 'the GGUF file is cut short' },
    },
    'not GGUF': {
      alter: () => Buffer.from('version https://example.org/spec/v1\n'),
      problem: { code: 'CHECKPOINT_INVALID', message: 'the file is not a whole GGUF file' },
    },
    'of another architecture': {
      alter: (bytes: Buffer) => patched(bytes, 'qwen2', 0, Buffer.from('qwen9')),
      problem: {
        code: 'CHECKPOINT_UNSUPPORTED',
        message: 'the GGUF file is of an architecture that cannot be opened',
        details: { found: 'qwen9', hint: 'use a file of llama, qwen2, qwen3' },
      },
    },
    'with a type that cannot be read': {
      // after the name of a matrix: the number of its dimensions, the dimensions, the type
      alter: (bytes: Buffer) => patched(bytes, 'blk.0.ffn_down.weight', 21 + 4 + 16, uint32(19)),
      problem: {
        code: 'CHECKPOINT_UNSUPPORTED',
        message: 'tensor blk.0.ffn_down.weight has a GGUF type that cannot be read',
        details: { found: 'IQ1_S' },
      },
    },
    'with rows that are not whole blocks': {
      alter: (bytes: Buffer) => patched(bytes, 'blk.0.ffn_down.weight', 21 + 4 + 16, uint32(8)),
      problem: { code: 'CHECKPOINT_INVALID', message: 'the rows of tensor blk.0.ffn_down.weight are not whole blocks' },
    },
    'with a setting that changes the computation': {
      alter: (bytes: Buffer) => patched(bytes, 'qwen2.rope.freq_base', 0, Buffer.from('qwen2.rope.freq_odds')),
      problem: { code: 'CHECKPOINT_UNSUPPORTED', message: 'qwen2.rope.freq_odds has a value that is not supported' },
    },
    'with an unknown way of cutting words': {
      alter: (bytes: Buffer) => patched(bytes, 'gpt-2', 0, Buffer.from('gpt-9')),
      problem: {
        code: 'CHECKPOINT_UNSUPPORTED',
        message: 'the tokenizer of the GGUF file cannot be opened',
        details: { found: 'gpt2 cut as gpt-9 (tokenizer.ggml.model, and tokenizer.ggml.pre for gpt2)' },
      },
    },
    'with a tensor of no part of a decoder': {
      alter: (bytes: Buffer) => patched(bytes, 'blk.0.ffn_down.weight', 0, Buffer.from('blk.0.ffn_more')),
      problem: {
        code: 'CHECKPOINT_UNSUPPORTED',
        message: 'tensor blk.0.ffn_more.weight belongs to no part of a text decoder',
      },
    },
  };

  test.each(Object.entries(cases))('%s is refused by name', async (_, { alter, problem }) => {
    const path = altered('qwen2.gguf', alter);
    const details = 'details' in problem ? problem.details : {};
    await expect(convert(path)).rejects.toMatchObject({ ...problem, details: { where: path, ...details } });
  });

  test('because its tokenizer has more tokens than the embedding has rows', () => {
    const metadata = new GgufMetadata('some.gguf', { 'tokenizer.ggml.tokens': ['a', 'b', 'c'] });
    expect(() => tokenizerFiles(metadata, 2)).toThrow(/tokenizer in the GGUF file does not fit its embedding/);
  });
});
