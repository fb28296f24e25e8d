/**
 * The dtype in which a checkpoint's weights are stored. Training computes in float32; exports may use half the bytes.
 */
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import type { LazyTensor, TensorInFile } from './safetensors-file.ts';
import { openSafetensorsFolder, writeSafetensorsFolder } from './safetensors-folder.ts';
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
 * Rewrites the weights of a folder in Hugging Face layout, rounding to nearest, ties to even. One tensor is in memory at a
 * time, so the folder holds both until the new ones are whole.
 * @throws NON_FINITE naming a tensor with a value out of range
 */
export async function convertCheckpoint(folder: string, dtype: WeightDtype): Promise<void> {
  const tensors = await openSafetensorsFolder(folder, 'model');
  const converted = new Map([...tensors].map(([name, tensor]) => [name, convert(name, tensor, dtype)]));
  const target = await mkdtemp(join(folder, 'converted-'));
  try {
    const written = await writeSafetensorsFolder(target, 'model', converted);
    const old = (await readdir(folder)).filter((name) => /^model.*\.safetensors(\.index\.json)?$/.test(name));
    for (const name of old) await rm(join(folder, name));
    for (const name of written) await rename(join(target, name), join(folder, name));
  } finally {
    await rm(target, { recursive: true });
  }
  const config = join(folder, 'config.json');
  await writeFile(config, withDtype(await readFile(config, 'utf8'), dtype));
}

function convert(name: string, { data, ...tensor }: TensorInFile, dtype: WeightDtype): LazyTensor {
  const target = weightDtypes[dtype];
  if (tensor.dtype === target || !Object.values<string>(weightDtypes).includes(tensor.dtype))
    return { ...tensor, data: () => data() };
  const converted = async (): Promise<Uint8Array> => {
    const narrowed = narrow(readFloat32({ ...tensor, data: await data() }), target);
    if (narrowed.overflowCount === 0) return narrowed.data;
    throw new MtrlError('NON_FINITE', `tensor ${name} does not fit into ${dtype}`, {
      where: name,
      found: `${String(narrowed.overflowCount)} values above its maximum`,
      hint: 'bfloat16 has the range of float32',
    });
  };
  return { dtype: target, shape: tensor.shape, data: converted };
}
