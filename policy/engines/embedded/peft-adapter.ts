/**
 * Adapter files in PEFT's layout: without the prefix of the file names, `PeftModel.from_pretrained(base, folder)` opens
 * them.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openSafetensorsFolder, writeSafetensorsFolder } from '../../../artifacts/codecs/safetensors-folder.ts';
import type { TrainableSpec } from '../../engine.ts';
import type { ParameterSpec } from '../../models/parameters.ts';
import { moduleOf } from '../../models/trainable.ts';
import { type MemoryFor, type TensorData, readTensors, stored } from './weights.ts';

/** Adapters are stored with the optimizer state: in a checkpoint, readers would add merged adapters a second time. */
const filePrefix = 'optimizer-';
const namePrefix = 'base_model.model.';
/** Larger than any adapter, because PEFT reads a single file. */
const shardByteLengthMax = 2 ** 40;

export async function writePeftAdapter(
  folder: string,
  lora: NonNullable<TrainableSpec['lora']>,
  adapters: readonly ParameterSpec[],
  weights: TensorData,
): Promise<void> {
  const tensors = stored(adapters, weights, namePrefix);
  await writeSafetensorsFolder(folder, `${filePrefix}adapter_model`, tensors, shardByteLengthMax);
  const config = {
    peft_type: 'LORA',
    base_model_name_or_path: null,
    task_type: 'CAUSAL_LM',
    inference_mode: true,
    r: lora.rank,
    lora_alpha: lora.alpha,
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
    // Full names, because PEFT would match `q_proj` in a frozen vision tower too.
    target_modules: [...new Set(adapters.map(({ name }) => moduleOf(name).replace(/\.lora_[AB]$/, '')))],
  };
  await writeFile(join(folder, `${filePrefix}adapter_config.json`), `${JSON.stringify(config, null, 2)}\n`);
}

/** Reads the adapters' weights. Throws CHECKPOINT_INVALID naming the tensor. */
export async function readPeftAdapter(
  folder: string,
  adapters: readonly ParameterSpec[],
  memoryFor: MemoryFor,
): Promise<TensorData> {
  if (adapters.length === 0) return new Map();
  const tensors = await openSafetensorsFolder(folder, `${filePrefix}adapter_model`);
  return readTensors(tensors, adapters, { prefix: namePrefix, folder, memoryFor });
}
