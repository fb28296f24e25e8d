/**
 * The dtype in which a checkpoint's weights are stored. Training computes in float32; exports may use half the bytes.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import type { Tensor } from './safetensors.ts';
import { readSafetensorsFolder, writeSafetensorsFolder } from './safetensors-folder.ts';
import { narrow, readFloat32 } from './tensor-values.ts';

/** dtype names of `config.json` -> those of safetensors. */
export const weightDtypes = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const;
export type WeightDtype = keyof typeof weightDtypes;

/**
 * Sets the dtype of the model and its parts in `config.json`: a reader that assumes another dtype would round the
 * weights.
 */
export function withDtype(configText: string, dtype: WeightDtype): string {
  const config = JSON.parse(configText) as Record<string, unknown>;
  const said = JSON.stringify(config, (key, value: unknown) => (isDtypeField(key) ? dtype : value), 2);
  if (said === JSON.stringify(config, null, 2) && dtype === 'float32') return configText;
  const rewritten = JSON.parse(said) as Record<string, unknown>;
  const named = Object.keys(rewritten).some(isDtypeField) ? rewritten : { ...rewritten, torch_dtype: dtype };
  return `${JSON.stringify(named, null, 2)}\n`;
}

function isDtypeField(key: string): boolean {
  return key === 'dtype' || key === 'torch_dtype';
}

/**
 * Rewrites the weights of a folder in Hugging Face layout, rounding to nearest, ties to even.
 * @throws NON_FINITE naming a tensor with a value out of range
 */
export async function convertCheckpoint(folder: string, dtype: WeightDtype): Promise<void> {
  const tensors = await readSafetensorsFolder(folder, 'model');
  const converted = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    converted.set(name, convert(name, tensor, dtype));
    tensors.delete(name);
  }
  const old = (await readdir(folder)).filter((name) => /^model.*\.safetensors(\.index\.json)?$/.test(name));
  for (const name of old) await rm(join(folder, name));
  await writeSafetensorsFolder(folder, 'model', converted);
  const config = join(folder, 'config.json');
  await writeFile(config, withDtype(await readFile(config, 'utf8'), dtype));
}

function convert(name: string, tensor: Tensor, dtype: WeightDtype): Tensor {
  const target = weightDtypes[dtype];
  if (tensor.dtype === target || !Object.values<string>(weightDtypes).includes(tensor.dtype)) return tensor;
  const values = readFloat32(tensor);
  const { data, overflowCount } = narrow(values, target);
  if (overflowCount === 0) return { dtype: target, shape: tensor.shape, data };
  throw new MtrlError('NON_FINITE', `tensor ${name} does not fit into ${dtype}`, {
    where: name,
    found: `${String(overflowCount)} values above its maximum`,
    hint: 'bfloat16 has the range of float32',
  });
}
