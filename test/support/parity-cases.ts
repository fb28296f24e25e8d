/** The checkpoints with expected values from transformers and torch, in one form, as docs/parity.md measures them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../core/project.ts';
import { decodeSafetensors } from '../../artifacts/codecs/safetensors.ts';
import { readFloat32 } from '../../artifacts/codecs/tensor-values.ts';
import { required } from '../../core/assert.ts';
import type { EncodedPrompt, OptimStepRequest, TrainGroup } from '../../policy/engine.ts';
import { loadProcessor } from '../../policy/processor.ts';
import type { ContentPart } from '../../core/chat-message.ts';
import {
  type FixtureCase,
  cases,
  expectedOf,
  fixtureKinds,
  folderOf,
  supervisedGroups,
  tensorsOf,
} from './idefics3-fixture.ts';
import { logProbsOf } from './model-run.ts';
import { qwen3VlFolder, qwen3VlGroups, qwen3VlKinds } from './qwen3-vl-fixture.ts';

export interface ParityCase {
  /** `idefics3 tied`: family and checkpoint. */
  readonly name: string;
  readonly folder: string;
  readonly groups: readonly TrainGroup[];
  readonly loss: number;
  /** Log-probs of every target in the order of the groups: log-softmax of transformers' logits in float64. */
  readonly logProbs: readonly number[];
  /** Every stride-th element of a weight's gradient, starting with the first. */
  readonly gradientOf: (name: string) => { readonly values: Float32Array; readonly stride: number };
  readonly greedy: {
    readonly tokenIds: readonly (readonly number[])[];
    readonly stopTokenId: number;
    readonly bannedTokenIds: readonly number[];
  };
  readonly steps?: {
    readonly count: number;
    readonly adamw: OptimStepRequest;
    /** Weights after the steps, with the strides of the gradients. */
    readonly weightOf: (name: string) => Float32Array;
  };
}

const fixtures = `${projectRoot}/test/fixtures/`;

export async function parityCases(): Promise<ParityCase[]> {
  const text = ['llama3-scaled', 'llama-linear', 'qwen2', 'qwen3'].map((kind) =>
    folderCase(`text ${kind}`, join(fixtures, 'text-models', kind), (expected) =>
      Promise.resolve(
        supervised(
          expected,
          expected.promptIds.map((tokenIds) => ({ tokenIds, images: [] })),
        ),
      ),
    ),
  );
  const qwen3Vl = qwen3VlKinds.map((kind) =>
    folderCase(`qwen3_vl ${kind}`, qwen3VlFolder(kind), () => qwen3VlGroups(kind)),
  );
  return [...fixtureKinds.map(idefics3Case), await smolvlmCase(), ...(await Promise.all([...text, ...qwen3Vl]))];
}

interface Expected {
  readonly promptIds: readonly (readonly number[])[];
  /** One answer per prompt, or several. */
  readonly targetIds: readonly (readonly (number | readonly number[])[])[];
  readonly loss: number;
  readonly greedyIds: readonly (readonly number[])[];
  readonly sampleStrides: Readonly<Record<string, number>>;
  readonly contents?: readonly (readonly ({ type: 'image'; name: string } | { type: 'text'; text: string })[])[];
  readonly adamw?: OptimStepRequest;
  readonly stepGradientNorms?: readonly number[];
}

async function folderCase(
  name: string,
  folder: string,
  groupsOf: (expected: Expected) => Promise<TrainGroup[]>,
  root = folder,
  stopTokenId = 2,
): Promise<ParityCase> {
  const expected = JSON.parse(readFileSync(join(root, 'expected.json'), 'utf8')) as Expected;
  const { tensors } = decodeSafetensors(readFileSync(join(root, 'expected.safetensors')));
  const valuesOf = (tensor: string): Float32Array => readFloat32(required(tensors.get(tensor), tensor));
  const groups = await groupsOf(expected);
  const targets = groups.flatMap(({ completions }) => completions.flatMap(({ tokenIds }) => tokenIds));
  const { adamw, stepGradientNorms } = expected;
  return {
    ...{ name, folder, groups, loss: expected.loss },
    logProbs: logProbsOf(valuesOf('logits'), targets),
    gradientOf: (weight) => ({
      values: valuesOf(`gradient.${weight}`),
      stride: required(expected.sampleStrides[weight], weight),
    }),
    greedy: { tokenIds: expected.greedyIds, stopTokenId, bannedTokenIds: [] },
    ...(adamw &&
      stepGradientNorms && {
        steps: { adamw, count: stepGradientNorms.length, weightOf: (weight) => valuesOf(`stepped.${weight}`) },
      }),
  };
}

function supervised({ targetIds }: Expected, prompts: readonly EncodedPrompt[]): TrainGroup[] {
  const tokenWeight = 1 / targetIds.flat().length;
  return prompts.map((prompt, row) => ({
    prompt,
    completions: [{ tokenIds: required(targetIds[row], 'targets') as readonly number[], tokenWeight }],
  }));
}

function smolvlmCase(): Promise<ParityCase> {
  const root = join(fixtures, 'smolvlm');
  const folder = join(root, 'model');
  const groupsOf = async (expected: Expected): Promise<TrainGroup[]> => {
    const processor = await loadProcessor(folder);
    const prompts = (expected.contents ?? []).map((content) => {
      const parts = content.map((part): ContentPart => (part.type === 'image' ? { type: 'image' } : part));
      const images = content.flatMap((part) =>
        part.type === 'image' ? [readFileSync(join(root, `${part.name}.png`))] : [],
      );
      return processor.encodePrompt([{ role: 'user', content: parts }], images);
    });
    return supervised(expected, await Promise.all(prompts));
  };
  return folderCase('smolvlm model', folder, groupsOf, root, 6);
}

function idefics3Case(kind: (typeof fixtureKinds)[number]): ParityCase {
  const fixture = required(cases.cases['batch-left-padded'], 'case');
  const expected = required(expectedOf(kind).cases['batch-left-padded'], 'case');
  const valuesOf = tensorsOf(`${kind}.expected/expected.safetensors`);
  return {
    name: `idefics3 ${kind}`,
    folder: folderOf(kind),
    groups: supervisedGroups(fixture),
    loss: expected.loss,
    logProbs: logProbsOf(answerRows(valuesOf('batch-left-padded.logits'), fixture), fixture.targetIds.flat()),
    gradientOf: (weight) => ({ values: valuesOf(`batch-left-padded.grad.${weight}`), stride: 1 }),
    greedy: {
      tokenIds: expected.greedyIds,
      stopTokenId: cases.eosTokenId,
      bannedTokenIds: cases.suppressedTokenIds,
    },
  };
}

/** The rows that predict the answers, from logits [B, P + T, 64] of prompts padded to P. */
function answerRows(logits: Float32Array, { promptIds, targetIds }: FixtureCase): Float32Array {
  const width = 64;
  const rowLength = logits.length / width / promptIds.length;
  const rows = targetIds.flatMap((targets, row) =>
    targets.map((_, i) => row * rowLength + (promptIds[row] ?? []).length - 1 + i),
  );
  return Float32Array.from(rows.flatMap((row) => [...logits.subarray(row * width, (row + 1) * width)]));
}
