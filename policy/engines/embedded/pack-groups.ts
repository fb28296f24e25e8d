/** Groups as rows of the training graph: a prompt, then its completions one behind the other, padding only at the end. */
import { MtrlError } from '../../../core/errors.ts';
import type { TrainCompletion, TrainGroup } from '../../engine.ts';
import type { Architecture } from '../../models/architecture.ts';
import type { Tensor } from '../../runtime/graph-runner.ts';
import { float32, hidden, imageTensors, int64 } from './prompt-batch.ts';

export interface PackedGroups {
  /** Inputs of the training graph that depend on the groups. */
  readonly tensors: Map<string, Tensor>;
  /** Completions in the order of the N tokens. */
  readonly completions: readonly TrainCompletion[];
  readonly tokenCount: number;
}

export function packGroups(architecture: Architecture, groups: readonly TrainGroup[]): PackedGroups {
  const lengths = groups.map(
    (group) => group.prompt.tokenIds.length + sum(group.completions.map((c) => c.tokenIds.length)),
  );
  const length = Math.max(...lengths);
  const completions = groups.flatMap((group) => group.completions);
  const tokenCount = sum(completions.map((completion) => completion.tokenIds.length));
  const cells = groups.length * length;
  const tokenIds = new BigInt64Array(cells);
  const positions = new BigInt64Array(cells);
  const bias = new Float32Array(cells * length).fill(hidden);
  const rows = new BigInt64Array(tokenCount);
  const targets = new BigInt64Array(tokenCount);
  let token = 0;
  groups.forEach((group, row) => {
    const promptLength = group.prompt.tokenIds.length;
    const base = row * length;
    group.prompt.tokenIds.forEach((id, index) => {
      tokenIds[base + index] = BigInt(id);
      positions[base + index] = BigInt(index);
      see(bias, base + index, length, 0, index + 1);
    });
    let start = promptLength;
    for (const completion of group.completions) {
      completion.tokenIds.forEach((id, index) => {
        const at = start + index;
        tokenIds[base + at] = BigInt(id);
        positions[base + at] = BigInt(promptLength + index);
        see(bias, base + at, length, 0, promptLength);
        see(bias, base + at, length, start, at + 1);
        // The prompt's last position predicts the first token, each token the next.
        rows[token] = BigInt(base + (index === 0 ? promptLength - 1 : at - 1));
        targets[token++] = BigInt(id);
      });
      start += completion.tokenIds.length;
    }
    checkPositions(architecture, promptLength, group);
  });
  const tensors = new Map<string, Tensor>([
    ['tokenIds', int64(tokenIds, [groups.length, length])],
    ['positions', int64(positions, [groups.length, length])],
    ['attentionBias', float32(bias, [groups.length, 1, length, length])],
    ['rows', int64(rows, [tokenCount])],
    ['targets', int64(targets, [tokenCount])],
  ]);
  const prompts = groups.map((group) => group.prompt);
  if (prompts.some((prompt) => prompt.images.length > 0)) {
    for (const [name, tensor] of imageTensors(
      architecture,
      prompts,
      prompts.map(() => 0),
      length,
    ))
      tensors.set(name, tensor);
  }
  return { tensors, completions, tokenCount };
}

/** Repeats a completion's value for each of its tokens: float32 [N]. */
export function perToken(
  packed: PackedGroups,
  valuesOf: (completion: TrainCompletion) => number | readonly number[],
): Tensor {
  const data = new Float32Array(packed.tokenCount);
  let token = 0;
  for (const completion of packed.completions) {
    const value = valuesOf(completion);
    completion.tokenIds.forEach((_, index) => {
      data[token++] = typeof value === 'number' ? value : (value[index] as number);
    });
  }
  return float32(data, [packed.tokenCount]);
}

/** Cuts the N values back into [group][completion][token]. */
export function unpack(groups: readonly TrainGroup[], values: Float32Array): number[][][] {
  let token = 0;
  return groups.map((group) =>
    group.completions.map((completion) => {
      const start = token;
      token += completion.tokenIds.length;
      return Array.from(values.subarray(start, token));
    }),
  );
}

function see(bias: Float32Array, row: number, length: number, from: number, to: number): void {
  bias.fill(0, row * length + from, row * length + to);
}

function checkPositions(architecture: Architecture, promptLength: number, group: TrainGroup): void {
  const longest = promptLength + Math.max(0, ...group.completions.map((completion) => completion.tokenIds.length));
  if (longest > architecture.text.positionCountMax) {
    throw new MtrlError(
      'EXAMPLE_TOO_LONG',
      `a prompt and completion of ${longest} tokens exceed the model's ${architecture.text.positionCountMax} positions`,
    );
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
