import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { convertCheckpoint, withDtype } from '../../artifacts/codecs/checkpoint-dtype.ts';
import { decodeSafetensors } from '../../artifacts/codecs/safetensors.ts';
import { readSafetensorsFolder, writeSafetensorsFolder } from '../../artifacts/codecs/safetensors-folder.ts';
import { float32Tensor, narrow, readFloat32 } from '../../artifacts/codecs/tensor-values.ts';
import { required } from '../../core/assert.ts';

const fixture = new URL('../fixtures/dtype/values.safetensors', import.meta.url);
const { tensors } = decodeSafetensors(readFileSync(fixture));
const tensorOf = (name: string) => required(tensors.get(name), name);
const scratch = mkdtempSync(join(tmpdir(), 'mtrl-dtype-'));
afterAll(() => {
  rmSync(scratch, { recursive: true });
});

it.each(['float16', 'bfloat16'] as const)('rounds numbers to the same bits as torch: %s', (name) => {
  const values = readFloat32(tensorOf('float32'));
  const want = tensorOf(name);
  const { data, overflowCount } = narrow(values, want.dtype as 'F16' | 'BF16');
  const bitsOf = (bytes: Uint8Array): number[] => [...new Uint16Array(new Uint8Array(bytes).buffer)];
  expect(bitsOf(data)).toEqual(bitsOf(want.data));
  const overflown = [...readFloat32(want)].filter((value, i) => !Number.isFinite(value) && Number.isFinite(values[i]));
  expect(overflowCount).toBe(overflown.length);
  expect(overflowCount).toBeGreaterThan(0);
});

it('round-trips every number of 16 bits, NaN included', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('F16' as const, 'BF16' as const),
      fc.integer({ min: 0, max: 0xffff }),
      (dtype, bits) => {
        const data = new Uint8Array(Uint16Array.of(bits).buffer);
        const values = readFloat32({ dtype, shape: [1], data });
        const again = narrow(values, dtype).data;
        if (Number.isNaN(values[0])) expect(readFloat32({ dtype, shape: [1], data: again })[0]).toBeNaN();
        else expect(again).toEqual(data);
      },
    ),
  );
});

it('converts the tensors and the config of a checkpoint and halves its bytes', async () => {
  const folder = mkdtempSync(join(scratch, 'checkpoint-'));
  const weights = Float32Array.from({ length: 600 }, (_, i) => Math.sin(i));
  await writeSafetensorsFolder(folder, 'model', new Map([['w', float32Tensor(weights, [20, 30])]]));
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({ dtype: 'float32', text_config: { torch_dtype: 'float32' } }),
  );
  await convertCheckpoint(folder, 'bfloat16');
  const stored = required((await readSafetensorsFolder(folder, 'model')).get('w'), 'w');
  expect(stored).toMatchObject({ dtype: 'BF16', shape: [20, 30] });
  expect(stored.data.byteLength).toBe(2 * weights.length);
  expect(Math.max(...readFloat32(stored).map((value, i) => Math.abs(value - (weights[i] ?? NaN))))).toBeLessThan(
    2 ** -8,
  );
  expect(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))).toEqual({
    dtype: 'bfloat16',
    text_config: { torch_dtype: 'bfloat16' },
  });
});

it('refuses a weight outside the range of float16 by name and leaves the folder unchanged', async () => {
  const folder = mkdtempSync(join(scratch, 'large-'));
  await writeSafetensorsFolder(folder, 'model', new Map([['large', float32Tensor(Float32Array.of(1, 70000), [2])]]));
  const before = readFileSync(join(folder, 'model.safetensors'));
  await expect(convertCheckpoint(folder, 'float16')).rejects.toMatchObject({
    code: 'NON_FINITE',
    details: { where: 'large' },
  });
  expect(readFileSync(join(folder, 'model.safetensors'))).toEqual(before);
});

it('adds a dtype to a config without one, because readers assume float32', () => {
  expect(JSON.parse(withDtype('{"a":1}', 'float16'))).toEqual({ a: 1, torch_dtype: 'float16' });
  expect(withDtype('{"a":1}', 'float32')).toBe('{"a":1}');
});
