/** Files of weights: safetensors with its index, and GGUF. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { encodeSafetensors } from '../../../artifacts/codecs/safetensors.ts';
import { readSafetensorsFolder } from '../../../artifacts/codecs/safetensors-folder.ts';
import { float32Tensor } from '../../../artifacts/codecs/tensor-values.ts';
import type { Json } from '../../../core/json.ts';
import { openGguf, readGgufTensor } from '../../../policy/checkpoints/gguf/gguf-file.ts';
import { writeGgufFolder } from '../../../policy/checkpoints/gguf/write-folder.ts';
import { loadProcessor } from '../../../policy/processor.ts';
import { fuzzTarget, type OpenFuzzTarget } from '../fuzz-target.ts';
import { nearBytes } from '../near-bytes.ts';
import { nearJsonText } from '../near-json.ts';

const lengthByteLength = 8;

/** A file with this header, whose length is right unless the header was changed to make it wrong. */
function withHeader(header: string, data: Uint8Array): Buffer {
  const text = Buffer.from(header);
  const length = Buffer.alloc(lengthByteLength);
  length.writeBigUInt64LE(BigInt(text.byteLength));
  return Buffer.concat([length, text, data]);
}

/** One of the files is changed: the first, since an index is before what it names. */
function nearFiles(files: Readonly<Record<string, Buffer>>): fc.Arbitrary<Readonly<Record<string, Buffer>>> {
  const [name = '', bytes = Buffer.alloc(0)] = Object.entries(files)[0] ?? [];
  return nearBytes(bytes).map((changed) => ({ ...files, [name]: changed }));
}

export const openSafetensors: OpenFuzzTarget = (folder) => {
  const tensors = new Map([
    ['a', float32Tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3])],
    ['b.weight', float32Tensor(Float32Array.of(7), [])],
    ['c', float32Tensor(new Float32Array(0), [0, 4])],
  ]);
  const whole = Buffer.from(encodeSafetensors(tensors, { format: 'pt' }));
  const dataAt = lengthByteLength + Number(whole.readBigUInt64LE());
  const header = JSON.parse(whole.subarray(lengthByteLength, dataAt).toString()) as Json;
  const files = fc.oneof(
    nearBytes(whole),
    nearJsonText(header).map((text) => withHeader(text, whole.subarray(dataAt))),
  );
  const index = { metadata: { total_size: 28 }, weight_map: { a: 'one.safetensors', 'b.weight': 'one.safetensors' } };
  const inputs: fc.Arbitrary<Readonly<Record<string, Buffer>>> = fc.oneof(
    { weight: 4, arbitrary: files.map((bytes) => ({ 'model.safetensors': bytes })) },
    {
      weight: 1,
      arbitrary: nearJsonText(index).map((text) => ({
        'model.safetensors.index.json': Buffer.from(text),
        'one.safetensors': whole,
      })),
    },
  );
  return Promise.resolve(
    fuzzTarget(
      inputs,
      async (given) => {
        const checkpoint = join(folder, 'checkpoint');
        rmSync(checkpoint, { recursive: true, force: true });
        mkdirSync(checkpoint);
        for (const [name, bytes] of Object.entries(given)) writeFileSync(join(checkpoint, name), bytes);
        await readSafetensorsFolder(checkpoint, 'model');
        return 'accepted';
      },
      { near: nearFiles },
    ),
  );
};

export const openGgufFiles: OpenFuzzTarget = (folder) => {
  const fixture = (name: string): Buffer => readFileSync(join('test/fixtures/gguf', name));
  const types = fixture('types.gguf');
  const models = ['llama3.gguf', 'sentencepiece.gguf'].map(fixture);
  /** The metadata is at the front: a change of weights says little. */
  const front = 12_000;
  const nearFront = (whole: Buffer) =>
    nearBytes(whole.subarray(0, front)).map((changed) => Buffer.concat([changed, whole.subarray(front)]));
  const inputs = fc.constantFrom(types, ...models).chain(nearFront);
  const path = join(folder, 'model.gguf');
  const checkpoint = join(folder, 'checkpoint');
  return Promise.resolve(
    fuzzTarget(
      inputs,
      async (bytes) => {
        writeFileSync(path, bytes);
        rmSync(checkpoint, { recursive: true, force: true });
        mkdirSync(checkpoint);
        const file = await openGguf(path);
        for (const tensor of file.tensors) await readGgufTensor(file, tensor);
        await writeGgufFolder(file, checkpoint);
        await loadProcessor(checkpoint);
        return 'accepted';
      },
      { near: nearFront },
    ),
  );
};
