/**
 * A copy of the demo's base with new embeddings of some words. The base never saw the names of real things: its training
 * pushed their embeddings, which are also the output layer, into one direction (cosine .999), so that no prompt could tell
 * it which one was meant.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeSafetensors, encodeSafetensors } from '../artifacts/codecs/safetensors.ts';
import { required } from '../core/assert.ts';
import { projectRoot } from '../core/project.ts';
import { Rng } from '../core/rng.ts';

const embedding = 'model.text_model.embed_tokens.weight';
/** Like the words that the base knows (0.85 to 1.15). */
const norm = 0.9;

export function writeRenewedBase(folder: string, words: readonly string[], seed: number): void {
  const demo = join(projectRoot, 'recipes', 'demo-base');
  cpSync(demo, folder, { recursive: true });
  const { model } = JSON.parse(readFileSync(join(demo, 'tokenizer.json'), 'utf8')) as {
    readonly model: { readonly vocab: Readonly<Record<string, number>> };
  };
  const path = join(folder, 'model.safetensors');
  const { tensors } = decodeSafetensors(readFileSync(path), path);
  const { shape, data } = required(tensors.get(embedding), embedding);
  const width = required(shape[1], 'a width');
  const weights = new Float32Array(new Uint8Array(data).buffer);
  for (const word of words) {
    const rng = new Rng('renewed-word', seed, word);
    const row = Float32Array.from({ length: width }, () => rng.normal() * (norm / Math.sqrt(width)));
    weights.set(row, required(model.vocab[word], word) * width);
  }
  const renewed = { dtype: 'F32', shape, data: new Uint8Array(weights.buffer) } as const;
  writeFileSync(path, encodeSafetensors(new Map([...tensors, [embedding, renewed]]), { format: 'pt' }));
}
