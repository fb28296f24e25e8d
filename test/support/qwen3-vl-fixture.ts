/** The tiny Qwen3-VL checkpoints and their expected values from transformers (test/fixtures/qwen3-vl/generate.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../core/project.ts';
import { decodeSafetensors } from '../../artifacts/codecs/safetensors.ts';
import { readFloat32 } from '../../artifacts/codecs/tensor-values.ts';
import { required } from '../../core/assert.ts';
import type { EncodedPrompt, OptimStepRequest, TrainGroup } from '../../policy/engine.ts';
import { loadProcessor } from '../../policy/processor.ts';
import type { ContentPart } from '../../core/chat-message.ts';

export const qwen3VlKinds = ['untied', 'tied'] as const;
export type Qwen3VlKind = (typeof qwen3VlKinds)[number];

const root = `${projectRoot}/test/fixtures/qwen3-vl/`;
export const qwen3VlFolder = (kind: Qwen3VlKind): string => join(root, kind);
export const qwen3VlImage = (name: string): Buffer => readFileSync(join(root, `${name}.png`));

type FixturePart = { readonly type: 'image'; readonly name: string } | { readonly type: 'text'; readonly text: string };

export interface Qwen3VlExpected {
  readonly contents: readonly (readonly FixturePart[])[];
  readonly answers: readonly (readonly string[])[];
  readonly promptIds: readonly (readonly number[])[];
  /** [prompt][answer][token] */
  readonly targetIds: readonly (readonly (readonly number[])[])[];
  /** [prompt][axis][token] */
  readonly positionIds: readonly (readonly (readonly number[])[])[];
  readonly loss: number;
  readonly greedyIds: readonly (readonly number[])[];
  readonly sampleStrides: Readonly<Record<string, number>>;
  readonly adamw: OptimStepRequest;
  readonly stepGradientNorms: readonly number[];
}

export function qwen3VlExpected(kind: Qwen3VlKind): Qwen3VlExpected {
  return JSON.parse(readFileSync(join(root, kind, 'expected.json'), 'utf8')) as Qwen3VlExpected;
}

/** Reads tensors of a file in the fixture's folder, such as `untied/expected.safetensors`. */
export function qwen3VlTensors(file: string): (name: string) => Float32Array {
  const { tensors } = decodeSafetensors(readFileSync(join(root, file)));
  return (name) => readFloat32(required(tensors.get(name), `${name} in ${file}`));
}

/** The prompts that our processor makes of the messages and image files. */
export async function qwen3VlPrompts(kind: Qwen3VlKind): Promise<EncodedPrompt[]> {
  const processor = await loadProcessor(qwen3VlFolder(kind));
  const encoded = qwen3VlExpected(kind).contents.map((content) => {
    const parts = content.map((part): ContentPart => (part.type === 'image' ? { type: 'image' } : part));
    const images = content.flatMap((part) => (part.type === 'image' ? [qwen3VlImage(part.name)] : []));
    return processor.encodePrompt([{ role: 'user', content: parts }], images);
  });
  return Promise.all(encoded);
}

/** Every prompt with all its answers: the loss is the mean over all target tokens. */
export async function qwen3VlGroups(kind: Qwen3VlKind): Promise<TrainGroup[]> {
  const { targetIds } = qwen3VlExpected(kind);
  const tokenWeight = 1 / targetIds.flat(2).length;
  return (await qwen3VlPrompts(kind)).map((prompt, row) => ({
    prompt,
    completions: required(targetIds[row], 'targets').map((tokenIds) => ({ tokenIds, tokenWeight })),
  }));
}
