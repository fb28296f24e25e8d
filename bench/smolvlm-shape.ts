/**
 * Writes a checkpoint folder without weights for a model of the shape of SmolVLM-256M-Instruct, with the demo's
 * tokenizer: ids without a word are never sampled. The engine draws the weights (`engine.initialize`, or `policy: {
 * config }`).
 *
 * npx tsx bench/smolvlm-shape.ts FOLDER
 */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const demo = fileURLToPath(new URL('../recipes/demo-config', import.meta.url));
const imageSize = 512;
const patchSize = 16;
const scaleFactor = 4;

/** The fields of HuggingFaceTB/SmolVLM-256M-Instruct's config.json that determine the graph. */
const shape = {
  scale_factor: scaleFactor,
  text_config: {
    vocab_size: 49280,
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    head_dim: 64,
    max_position_embeddings: 8192,
    rope_theta: 100000,
  },
  vision_config: {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    image_size: imageSize,
    patch_size: patchSize,
  },
};

export async function writeSmolvlmShape(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await cp(demo, folder, { recursive: true });
  await change(folder, 'config.json', ({ text_config: text, vision_config: vision, ...config }) => ({
    ...config,
    scale_factor: shape.scale_factor,
    text_config: { ...(text as object), ...shape.text_config },
    vision_config: { ...(vision as object), ...shape.vision_config },
  }));
  const edge = { longest_edge: imageSize };
  await change(folder, 'preprocessor_config.json', (config) => ({ ...config, size: edge, max_image_size: edge }));
  const image_seq_len = (imageSize / patchSize / scaleFactor) ** 2;
  await change(folder, 'processor_config.json', (config) => ({ ...config, image_seq_len }));
  const model_max_length = shape.text_config.max_position_embeddings;
  await change(folder, 'tokenizer_config.json', (config) => ({ ...config, model_max_length }));
}

type Fields = Readonly<Record<string, unknown>>;

async function change(folder: string, name: string, edit: (fields: Fields) => Fields): Promise<void> {
  const path = join(folder, name);
  const fields = JSON.parse(await readFile(path, 'utf8')) as Fields;
  await writeFile(path, `${JSON.stringify(edit(fields), null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) throw new Error('npx tsx bench/smolvlm-shape.ts FOLDER');
  await writeSmolvlmShape(folder);
}
