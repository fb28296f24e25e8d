/** The tiny checkpoints and their expected values from transformers (test/fixtures/idefics3/generate.py). */
import { readFileSync } from 'node:fs';
import { projectRoot } from '../../core/project.ts';
import { decodeSafetensors } from '../../artifacts/codecs/safetensors.ts';
import { readFloat32 } from '../../artifacts/codecs/tensor-values.ts';
import { required } from '../../core/assert.ts';
import type { EncodedPrompt, PixelValues, TrainGroup } from '../../policy/engine.ts';
import { type ModelRun, type ModelRunOptions, modelRun } from './model-run.ts';

export const fixtureKinds = ['tied', 'untied-gqa'] as const;
export type FixtureKind = (typeof fixtureKinds)[number];

const root = `${projectRoot}/test/fixtures/idefics3/`;

export interface FixtureCase {
  readonly promptIds: readonly (readonly number[])[];
  readonly promptAttentionMask: readonly (readonly number[])[];
  readonly imageIndices: readonly (readonly number[])[];
  readonly targetIds: readonly (readonly number[])[];
}

export interface GrpoCase {
  readonly promptIds: readonly (readonly number[])[];
  readonly imageIndices: readonly (readonly number[])[];
  readonly completionIds: readonly (readonly number[])[];
  readonly advantages: readonly number[];
  readonly clip: number;
  readonly temperature: number;
  readonly bannedTokenIds: readonly number[];
}

interface Cases {
  readonly suppressedTokenIds: readonly number[];
  readonly padTokenId: number;
  readonly eosTokenId: number;
  readonly cases: Readonly<Record<string, FixtureCase>>;
  readonly grpo: GrpoCase;
}

interface Strided {
  readonly loss: number;
  readonly gradientSampleStrides: Readonly<Record<string, number>> | null;
}

export interface Expected {
  readonly cases: Readonly<Record<string, Strided & { readonly greedyIds: readonly (readonly number[])[] }>>;
  readonly grpo: Strided & {
    readonly oldLogProbs: readonly (readonly number[])[];
    readonly logProbs: readonly (readonly number[])[];
  };
}

export const cases = readJson('cases.json') as Cases;
export const folderOf = (kind: FixtureKind): string => `${root}${kind}`;
export const expectedOf = (kind: FixtureKind): Expected => readJson(`${kind}.expected/expected.json`) as Expected;

export function tensorsOf(file: string): (name: string) => Float32Array {
  const { tensors } = decodeSafetensors(readFileSync(`${root}${file}`));
  return (name) => readFloat32(required(tensors.get(name), `${name} in ${file}`));
}

const imagesOf = tensorsOf('images.safetensors');

export function fixtureImage(index: number): PixelValues {
  return { data: imagesOf(`pixel_values.${index}`), height: 32, width: 32 };
}

/** The prompts of a case, without their padding. */
export function promptsOf(fixture: FixtureCase): EncodedPrompt[] {
  return fixture.promptIds.map((ids, row) => ({
    tokenIds: ids.filter((_, index) => fixture.promptAttentionMask[row]?.[index] === 1),
    images: (fixture.imageIndices[row] ?? []).map(fixtureImage),
  }));
}

/** The supervised groups of a case: the loss is the mean over all target tokens. */
export function supervisedGroups(fixture: FixtureCase): TrainGroup[] {
  const tokenCount = fixture.targetIds.flat().length;
  return promptsOf(fixture).map((prompt, row) => ({
    prompt,
    completions: [{ tokenIds: required(fixture.targetIds[row], 'targets'), tokenWeight: 1 / tokenCount }],
  }));
}

/** Runs a training graph of a fixture's model: loss, log-probs and gradients by weight name. */
export function trainingRun(
  kind: FixtureKind,
  groups: readonly TrainGroup[],
  options: ModelRunOptions,
): Promise<ModelRun> {
  return modelRun(folderOf(kind), groups, options);
}

/** Every stride-th element in row-major order, as large gradients are stored. */
export function strided(values: Float32Array, stride: number): Float32Array {
  return values.filter((_, index) => index % stride === 0);
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs((a[i] ?? NaN) - (b[i] ?? NaN)));
  return largest;
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(`${root}${file}`, 'utf8'));
}
