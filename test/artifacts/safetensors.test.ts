import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { LazyTensor } from '../../artifacts/codecs/safetensors-file.ts';
import {
  openSafetensorsFolder,
  readSafetensorsFolder,
  tensorFiles,
  writeSafetensorsFolder,
} from '../../artifacts/codecs/safetensors-folder.ts';
import {
  decodeSafetensors,
  encodeSafetensors,
  tensorByteLength,
  type Dtype,
  type Tensor,
} from '../../artifacts/codecs/safetensors.ts';
import { float32Tensor, readFloat32, readFloat32To } from '../../artifacts/codecs/tensor-values.ts';
import { required } from '../../core/assert.ts';

const root = mkdtempSync(join(tmpdir(), 'mtrl-safetensors-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});
const fixtures = new URL('../fixtures/idefics3/', import.meta.url);

const tensors = fc
  .dictionary(
    fc.string({ minLength: 1 }).filter((name) => name !== '__metadata__' && name !== '__proto__'),
    fc.tuple(fc.constantFrom<Dtype>('F32', 'F16', 'BF16', 'I64', 'U8', 'BOOL'), fc.array(fc.nat(4), { maxLength: 3 })),
  )
  .map((entries) => {
    const made = Object.entries(entries).map(([name, [dtype, shape]], i): [string, Tensor] => {
      const data = new Uint8Array(tensorByteLength(dtype, shape)).map((_, j) => (i * 31 + j * 7) % 256);
      return [name, { dtype, shape, data }];
    });
    return new Map(made);
  });

describe('safetensors', () => {
  it('round-trips any tensors and metadata, independent of insertion order', () => {
    fc.assert(
      fc.property(tensors, fc.dictionary(fc.constantFrom('format', 'step', '1'), fc.string()), (map, metadata) => {
        const bytes = encodeSafetensors(map, metadata);
        const decoded = decodeSafetensors(bytes);
        expect(new Map([...decoded.tensors].sort())).toEqual(new Map([...map].sort()));
        expect(decoded.metadata).toEqual(metadata);
        expect(encodeSafetensors(new Map([...map].reverse()), metadata)).toEqual(bytes);
        expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0);
      }),
    );
  });

  it.each([
    'tied/model.safetensors',
    'untied-gqa/model.safetensors',
    'images.safetensors',
    'tied.expected/expected.safetensors',
  ])('writes the same bytes as the Python library: %s', (name) => {
    const bytes = readFileSync(new URL(name, fixtures));
    const { tensors, metadata } = decodeSafetensors(bytes);
    expect(tensors.size).toBeGreaterThan(3);
    expect(Buffer.from(encodeSafetensors(tensors, metadata)).equals(bytes)).toBe(true);
  });

  it('refuses a file that is truncated at any byte or has an extra byte', () => {
    const bytes = encodeSafetensors(new Map([['w', float32Tensor(Float32Array.of(1, 2), [2])]]));
    for (let length = 0; length < bytes.byteLength; length++) {
      expect(() => decodeSafetensors(bytes.subarray(0, length)), `cut to ${String(length)}`).toThrow(
        expect.objectContaining({ code: 'CHECKPOINT_INVALID' }) as Error,
      );
    }
    expect(() => decodeSafetensors(Buffer.concat([bytes, Buffer.of(0)]))).toThrow('extra bytes');
  });

  it.each([
    ['overlap', { a: entry('U8', [2], 0, 2), b: entry('U8', [2], 1, 3), c: entry('U8', [1], 3, 4) }, /tensor b .*/],
    ['gap', { a: entry('U8', [2], 0, 2), b: entry('U8', [1], 3, 4) }, /tensor b /],
    ['wrong size', { a: entry('F32', [2], 0, 4) }, /tensor a /],
    ['negative size', { a: entry('U8', [-4], 0, 4) }, /tensor a /],
    ['unknown type', { a: entry('F8_E4M3', [4], 0, 4) }, /tensor a has a type/],
    ['no shape', { a: { dtype: 'U8', data_offsets: [0, 4] } }, /tensor a /],
  ])('names the tensor with the invalid header: %s', (_, header, message) => {
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    expect(() => decodeSafetensors(Buffer.concat([length, text, Buffer.alloc(4)]))).toThrow(message);
  });

  it('decodes float16 and bfloat16 to their values', () => {
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x03ff, 0x8000, 0x7c00, 0xfc00, 0x3555);
    const half: Tensor = { dtype: 'F16', shape: [halves.length], data: new Uint8Array(halves.buffer) };
    expect([...readFloat32(half)]).toEqual([
      1,
      -2,
      65504,
      2 ** -14,
      2 ** -24,
      1023 * 2 ** -24,
      -0,
      Infinity,
      -Infinity,
      0.333251953125,
    ]);
    const brains = Uint16Array.of(0x3f80, 0xc040, 0x0001, 0x7f80);
    const brain: Tensor = { dtype: 'BF16', shape: [4], data: new Uint8Array(brains.buffer) };
    expect([...readFloat32(brain)]).toEqual([1, -3, 2 ** -133, Infinity]);
    const shifted = new Uint8Array(13);
    shifted.set(new Uint8Array(Float32Array.of(1.5, -2.5, 3.5).buffer), 1);
    expect([...readFloat32({ dtype: 'F32', shape: [3], data: shifted.subarray(1) })]).toEqual([1.5, -2.5, 3.5]);
  });
});

describe('a folder of safetensors', () => {
  it.each<Tensor>([
    float32Tensor(Float32Array.of(1.5, -0, 3e38, 1e-45), [2, 2]),
    { dtype: 'F16', shape: [5], data: new Uint8Array(Uint16Array.of(0x3c00, 0x0001, 0x8000, 0x7c00, 0x3555).buffer) },
    { dtype: 'BF16', shape: [3], data: new Uint8Array(Uint16Array.of(0x3f80, 0xc040, 0x0001).buffer) },
    { dtype: 'F64', shape: [2], data: new Uint8Array(Float64Array.of(0.1, -2).buffer) },
  ])(
    'reads a tensor of $dtype to the memory where it stays, with the values that reading it whole has',
    async (tensor) => {
      const folder = mkdtempSync(join(root, 'into-'));
      await writeSafetensorsFolder(
        folder,
        'model',
        new Map([
          ['before', tensor],
          ['w', tensor],
        ]),
      );
      const expected = readFloat32(tensor);
      const memory = new Float32Array(new SharedArrayBuffer(4 * (expected.length + 2)), 4, expected.length).fill(NaN);
      await readFloat32To(memory, required((await openSafetensorsFolder(folder, 'model')).get('w'), 'w'));
      expect([...memory]).toEqual([...expected]);
      // Its neighbours are those of other tensors.
      expect([...new Float32Array(memory.buffer)].filter((_, i) => i === 0 || i > expected.length)).toEqual([0, 0]);
    },
  );

  it('makes a lazy tensor only when its place in the file comes, and refuses one of another size by name', async () => {
    const folder = mkdtempSync(join(root, 'lazy-'));
    const memory = new Float32Array(2);
    const lazy = (value: number): LazyTensor => ({
      ...{ dtype: 'F32', shape: [2] },
      data: () => Promise.resolve(float32Tensor(memory.fill(value), [2]).data),
    });
    await writeSafetensorsFolder(
      folder,
      'model',
      new Map([
        ['b', lazy(2)],
        ['a', lazy(1)],
      ]),
    );
    const read = await readSafetensorsFolder(folder, 'model');
    expect([...read].map(([name, tensor]) => [name, ...readFloat32(tensor)])).toEqual([
      ['a', 1, 1],
      ['b', 2, 2],
    ]);
    const small = new Map([['short', { ...lazy(1), shape: [3] }]]);
    await expect(writeSafetensorsFolder(folder, 'model', small)).rejects.toThrow('tensor short is malformed');
  });

  const many = new Map(
    ['c', 'a', 'b'].map((name, i) => [name, float32Tensor(new Float32Array(100).fill(i), [10, 10])]),
  );

  it('writes one file while it fits, else shards of bounded size with an index', async () => {
    const folder = mkdtempSync(join(root, 'shards-'));
    expect(await writeSafetensorsFolder(folder, 'model', many)).toEqual(['model.safetensors']);
    expect(await readSafetensorsFolder(folder, 'model')).toEqual(many);
    await rm(join(folder, 'model.safetensors'));

    const names = await writeSafetensorsFolder(folder, 'model', many, 1700);
    expect(names).toEqual([
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ]);
    expect((await readdir(folder)).sort()).toEqual(names);
    for (const name of names.slice(0, 2)) expect((await stat(join(folder, name))).size).toBeLessThanOrEqual(1700);
    expect(await readSafetensorsFolder(folder, 'model')).toEqual(many);
    const index = JSON.parse(readFileSync(join(folder, 'model.safetensors.index.json'), 'utf8')) as unknown;
    expect(index).toEqual({
      metadata: { total_size: 1200 },
      weight_map: { a: names[0], b: names[0], c: names[1] },
    });
  });

  it('reads the one file and not the index beside it, as transformers does, and never files of other names', async () => {
    const folder = mkdtempSync(join(root, 'several-'));
    const zeros = new Map([...many].map(([name, { shape }]) => [name, float32Tensor(new Float32Array(100), shape)]));
    const shards = await writeSafetensorsFolder(folder, 'model', zeros, 1700);
    expect(await readSafetensorsFolder(folder, 'model')).toEqual(zeros);
    expect(await tensorFiles(folder, 'model')).toEqual(shards);
    await writeSafetensorsFolder(folder, 'consolidated', zeros);
    await writeFile(join(folder, 'pytorch_model.bin'), 'pickle');
    await writeSafetensorsFolder(folder, 'model', many);
    expect(await tensorFiles(folder, 'model')).toEqual(['model.safetensors']);
    expect(await readSafetensorsFolder(folder, 'model')).toEqual(many);
  });

  it('says which weights of other names there are', async () => {
    const folder = mkdtempSync(join(root, 'other-'));
    for (const name of ['consolidated', 'model.fp16']) await writeSafetensorsFolder(folder, name, many);
    await expect(readSafetensorsFolder(folder, 'model')).rejects.toMatchObject({
      code: 'FILE_MISSING',
      details: {
        where: join(folder, 'model.safetensors'),
        found: 'weights of other names: consolidated.safetensors, model.fp16.safetensors',
        hint: expect.stringContaining('rename a variant') as string,
      },
    });
  });

  it('takes all tensors of the shards; a tensor in two of them must have the same values', async () => {
    const folder = mkdtempSync(join(root, 'twice-'));
    const map = { a: 'one.safetensors', b: 'two.safetensors' };
    await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
    await writeSafetensorsFolder(folder, 'one', new Map([...many].filter(([name]) => name !== 'b')));
    await writeSafetensorsFolder(folder, 'two', new Map([...many].filter(([name]) => name !== 'c')));
    expect(await readSafetensorsFolder(folder, 'model')).toEqual(many);
    await writeSafetensorsFolder(folder, 'two', new Map([...many, ['a', float32Tensor(Float32Array.of(7), [1])]]));
    await expect(readSafetensorsFolder(folder, 'model')).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: 'the tensor a is in two files, with different values',
      details: { found: 'one.safetensors and two.safetensors' },
    });
  });

  it('reports a missing file, a missing tensor of the index, and an invalid index', async () => {
    const folder = mkdtempSync(join(root, 'faults-'));
    await expect(readSafetensorsFolder(folder, 'model')).rejects.toMatchObject({ code: 'FILE_MISSING' });
    const indexPath = join(folder, 'model.safetensors.index.json');
    await writeSafetensorsFolder(folder, 'other', many);
    await writeFile(indexPath, JSON.stringify({ weight_map: { a: 'other.safetensors', z: 'other.safetensors' } }));
    await expect(readSafetensorsFolder(folder, 'model')).rejects.toThrow('tensor z');
    await writeFile(indexPath, JSON.stringify({ weight_map: { a: '../other.safetensors' } }));
    await expect(readSafetensorsFolder(folder, 'model')).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      details: { where: indexPath },
    });
  });
});

function entry(dtype: string, shape: number[], begin: number, end: number): object {
  return { dtype, shape, data_offsets: [begin, end] };
}
