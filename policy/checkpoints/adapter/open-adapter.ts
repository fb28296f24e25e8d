/**
 * An adapter folder in PEFT's layout as a form of checkpoint: its base with the adapter's matrices added, as
 * `merge_and_unload` of PEFT does.
 */
import { existsSync } from 'node:fs';
import { cp, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { LazyTensor, TensorInFile } from '../../../artifacts/codecs/safetensors-file.ts';
import {
  isTensorFile,
  openSafetensorsFolder,
  readSafetensorsFolder,
  writeSafetensorsFolder,
} from '../../../artifacts/codecs/safetensors-folder.ts';
import type { Tensor } from '../../../artifacts/codecs/safetensors.ts';
import { float32Tensor, readFloat32, readFloat32To } from '../../../artifacts/codecs/tensor-values.ts';
import { digestFile } from '../../../artifacts/store/stream-digest.ts';
import { MtrlError } from '../../../core/errors.ts';
import { parseHubAddress } from '../../../core/hub-address.ts';
import type { CheckpointForm, FetchBase } from '../form.ts';
import { isCheckpointFile } from '../checkpoint-files.ts';
import { type AdapterConfig, readAdapterConfig } from './adapter-config.ts';

const weightsName = 'adapter_model';
/** The prefix that PEFT adds to the names of the model's parameters. */
const prefix = 'base_model.model.';
/** An adapter's own tokenizer and template, with which it was trained, replace those of the base. */
const ownFiles = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'chat_template.jinja'];

/** @throws FILE_MISSING, CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED */
export async function openAdapter(folder: string, fetchBase?: FetchBase): Promise<CheckpointForm | undefined> {
  if (!existsSync(join(folder, 'adapter_config.json'))) return undefined;
  if (existsSync(join(folder, 'config.json')))
    throw new MtrlError('CHECKPOINT_INVALID', 'the folder has both a whole model and an adapter', {
      where: folder,
      found: 'config.json and adapter_config.json',
      hint: 'move the adapter files to a folder of their own to train from the adapted model, or delete them to train from the model without it',
    });
  const config = await readAdapterConfig(folder);
  const base = await baseFolder(folder, config, fetchBase);
  const own = ownFiles.filter((name) => existsSync(join(folder, name)));
  const copyOwn = async (target: string): Promise<void> => {
    for (const name of own) await cp(join(folder, name), join(target, name));
  };
  const copySmall = async (target: string): Promise<void> => {
    for (const name of await fileNames(base)) if (!isTensorFile(name)) await cp(join(base, name), join(target, name));
    await copyOwn(target);
  };
  return {
    digests: async () => ({ ...(await digestsOf(base, 'base')), ...(await digestsOf(folder, 'adapter')) }),
    description: {
      form: 'adapter',
      rank: config.r,
      alpha: config.lora_alpha,
      base: config.base_model_name_or_path ?? '',
    },
    writeSmallFiles: copySmall,
    writeFolder: async (target) => {
      await copySmall(target);
      await writeSafetensorsFolder(target, 'model', await merged(folder, base, config));
    },
  };
}

async function baseFolder(
  folder: string,
  { base_model_name_or_path: named, revision }: AdapterConfig,
  fetchBase: FetchBase | undefined,
): Promise<string> {
  const where = join(folder, 'adapter_config.json');
  const hint = 'set base_model_name_or_path in adapter_config.json to the folder of the model that was adapted';
  if (named === null || named === '')
    throw new MtrlError('CHECKPOINT_INVALID', 'the adapter does not name its base', { where, hint });
  const path = resolve(folder, named);
  if (existsSync(join(path, 'config.json'))) return path;
  const address = `hf:${named}${revision ? `@${encodeURIComponent(revision)}` : ''}`;
  if (fetchBase !== undefined && parseHubAddress(address) !== undefined) return fetchBase(address);
  throw new MtrlError('FILE_MISSING', 'the base of the adapter is not there', { where, found: named, hint });
}

async function fileNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory() && isCheckpointFile(entry.name)).map(({ name }) => name);
}

async function digestsOf(folder: string, label: string): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const name of (await fileNames(folder)).sort())
    digests[`${label}/${name}`] = (await digestFile(join(folder, name))).sha256;
  return digests;
}

async function merged(folder: string, base: string, config: AdapterConfig): Promise<Map<string, LazyTensor>> {
  const where = join(folder, `${weightsName}.safetensors`);
  const adapters = await readSafetensorsFolder(folder, weightsName);
  const weights = await openSafetensorsFolder(base, 'model');
  const sums = new Map<string, LazyTensor>();
  const names = new Set([...adapters.keys()].map((name) => name.replace(/\.lora_[AB](\.default)?\.weight$/, '')));
  for (const name of names) {
    const part = (letter: string): Tensor | undefined =>
      adapters.get(`${name}.lora_${letter}.weight`) ?? adapters.get(`${name}.lora_${letter}.default.weight`);
    const [a, b] = [part('A'), part('B')];
    const weightName = `${name.startsWith(prefix) ? name.slice(prefix.length) : name}.weight`;
    const weight = weights.get(weightName);
    if (a === undefined || b === undefined || weight === undefined)
      throw new MtrlError('CHECKPOINT_INVALID', `the adapter's ${name} does not fit its base`, {
        where,
        found: weight === undefined ? `the base has no ${weightName}` : 'no pair of lora_A and lora_B',
      });
    sums.set(weightName, added(weight, a, b, scaleOf(config), `${where}: ${name}`));
  }
  return new Map([...weights, ...sums]);
}

function scaleOf({ r, lora_alpha: alpha, use_rslora: isRootScaled }: AdapterConfig): number {
  return alpha / (isRootScaled ? Math.sqrt(r) : r);
}

/** weight + scale * b a, computed when it is written. @param a [r, in] @param b [out, r] */
function added(weight: TensorInFile, a: Tensor, b: Tensor, scale: number, where: string): LazyTensor {
  const [rowCount = 0, columnCount = 0] = weight.shape;
  const rank = a.shape[0] ?? 0;
  if (a.shape[1] !== columnCount || b.shape[0] !== rowCount || b.shape[1] !== rank)
    throw new MtrlError('CHECKPOINT_INVALID', 'a matrix of the adapter does not fit its base', {
      where,
      found: `[${b.shape.join(', ')}] x [${a.shape.join(', ')}] for [${weight.shape.join(', ')}]`,
    });
  const data = async (): Promise<Uint8Array> => {
    const values = new Float32Array(rowCount * columnCount);
    await readFloat32To(values, weight);
    const [inner, outer] = [readFloat32(a), readFloat32(b)];
    const row = new Float64Array(columnCount);
    for (let i = 0; i < rowCount; i++) {
      row.fill(0);
      for (let k = 0; k < rank; k++) {
        const factor = scale * (outer[i * rank + k] as number);
        for (let j = 0; j < columnCount; j++)
          row[j] = (row[j] as number) + factor * (inner[k * columnCount + j] as number);
      }
      for (let j = 0; j < columnCount; j++)
        values[i * columnCount + j] = (values[i * columnCount + j] as number) + (row[j] as number);
    }
    return float32Tensor(values, weight.shape).data;
  };
  return { dtype: 'F32', shape: weight.shape, data };
}
