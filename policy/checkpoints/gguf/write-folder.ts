/** A GGUF file as a checkpoint folder in Hugging Face layout, its weights as float32. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { float32Tensor } from '../../../artifacts/codecs/tensor-values.ts';
import type { LazyTensor } from '../../../artifacts/codecs/safetensors-file.ts';
import { writeSafetensorsFolder } from '../../../artifacts/codecs/safetensors-folder.ts';
import { type GgufConfig, readGgufConfig } from './config.ts';
import { type GgufFile, readGgufTensor } from './gguf-file.ts';
import { namedTensors, withHeadHalves } from './tensors.ts';
import { tokenizerFiles } from './tokenizer.ts';

/** Writes config.json and the tokenizer's files. @throws CHECKPOINT_UNSUPPORTED, CHECKPOINT_INVALID */
export async function writeGgufSmallFiles(file: GgufFile, folder: string): Promise<GgufConfig> {
  const config = await readGgufConfig(file);
  const files = { 'config.json': config.json, ...tokenizerFiles(file.metadata, config.json['vocab_size'] as number) };
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, name), `${JSON.stringify(content, null, name === 'config.json' ? 1 : 0)}\n`);
  return config;
}

/**
 * Writes all files; one tensor of the weights is in memory at a time.
 * @throws CHECKPOINT_UNSUPPORTED, CHECKPOINT_INVALID
 */
export async function writeGgufFolder(file: GgufFile, folder: string): Promise<void> {
  const { architecture, ...heads } = await writeGgufSmallFiles(file, folder);
  const tensors = namedTensors(file, architecture, heads).map(({ name, source, interleavedHeadCount }) => {
    const read = async (): Promise<Uint8Array> => {
      const values = await readGgufTensor(file, source);
      const ordered =
        interleavedHeadCount === undefined
          ? values
          : withHeadHalves(values, source.shape[0] as number, interleavedHeadCount);
      return float32Tensor(ordered, source.shape).data;
    };
    return [name, { dtype: 'F32' as const, shape: source.shape, data: read }] as const;
  });
  await writeSafetensorsFolder(folder, 'model', new Map<string, LazyTensor>(tensors));
}
