/**
 * Packs groups into the training graph's list of tokens: group by group, a prompt and then its completions. A
 * completion's last token predicts no other and is left out.
 */
import { assert, required } from '../../../../core/assert.ts';
import { MtrlError } from '../../../../core/errors.ts';
import type { TrainCompletion, TrainGroup } from '../../../engine.ts';
import type { Membership } from '../../../losses/loss.ts';
import type { Architecture } from '../../../models/architecture.ts';
import { hidden } from '../../../models/attention.ts';
import { rotaryRows } from '../../../models/rotary-rows.ts';
import type { Tensor } from '../../../runtime/graph-runner.ts';
import { type GroupLengths, packCells } from './pack-cells.ts';
import { float32, imageTensors, int64 } from './prompt-batch.ts';

export interface PackedGroups {
  /** Inputs of the training graph that depend on the groups. */
  readonly tensors: Map<string, Tensor>;
  /** Completions in the order of the N tokens. */
  readonly completions: readonly TrainCompletion[];
  /** Number of completions of each group. */
  readonly groupSizes: readonly number[];
  readonly tokenCount: number;
}

export function packGroups(architecture: Architecture, groups: readonly TrainGroup[]): PackedGroups {
  const cells = packCells(groupLengths(groups));
  const completions = groups.flatMap((group) => group.completions);
  const prompts = groups.map((group) => group.prompt);
  const completionTokenCountMax = Math.max(0, ...completions.map((completion) => completion.tokenIds.length));
  const rotary = rotaryRows(architecture, prompts, 1, completionTokenCountMax);
  const tokenCount = sum(completions.map((completion) => completion.tokenIds.length));
  const tokenIds = new BigInt64Array(cells.tokenCount);
  const positions = new BigInt64Array(cells.tokenCount);
  const rows = new BigInt64Array(tokenCount);
  const targets = new BigInt64Array(tokenCount);
  const promptStarts: number[] = [];
  let base = 0;
  let token = 0;
  groups.forEach((group, row) => {
    const promptLength = group.prompt.tokenIds.length;
    promptStarts.push(base);
    group.prompt.tokenIds.forEach((id, index) => {
      tokenIds[base + index] = BigInt(id);
      positions[base + index] = BigInt(rotary.prompts[row]?.[index] as number);
    });
    let start = promptLength;
    for (const completion of group.completions) {
      completion.tokenIds.forEach((id, index) => {
        const at = start + index;
        // The prompt's last token predicts the first token of the completion; each token predicts the next.
        rows[token] = BigInt(base + (index === 0 ? promptLength - 1 : at - 1));
        targets[token++] = BigInt(id);
        if (index === readLength(completion)) return;
        tokenIds[base + at] = BigInt(id);
        positions[base + at] = BigInt((rotary.nexts[row] as number) + index);
      });
      start += readLength(completion);
    }
    base += start;
    checkPositions(architecture, promptLength, group);
  });
  const tensors = new Map<string, Tensor>([
    ...cells.tensors,
    ['tokenIds', int64(tokenIds, [cells.tokenCount, 1])],
    ['positions', int64(positions, [cells.tokenCount, 1])],
    ['rows', int64(rows, [tokenCount])],
    ['targets', int64(targets, [tokenCount])],
    ...rotary.tables,
  ]);
  if (hasKept(groups)) for (const [name, tensor] of keptTensors(completions, tokenCount)) tensors.set(name, tensor);
  if (prompts.some((prompt) => prompt.images.length > 0)) {
    for (const [name, tensor] of imageTensors(architecture, prompts, promptStarts, [cells.tokenCount, 1]))
      tensors.set(name, tensor);
  }
  return { tensors, completions, groupSizes: groups.map((group) => group.completions.length), tokenCount };
}

/** Tokens of each group that are in the list. */
export function groupLengths(groups: readonly TrainGroup[]): GroupLengths[] {
  return groups.map(({ prompt, completions }) => ({
    prompt: prompt.tokenIds.length,
    completions: completions.map(readLength),
  }));
}

/** Whether log-probs are over the tokens that sampling kept. */
export function hasKept(groups: readonly TrainGroup[]): boolean {
  return groups.some(({ completions }) => completions.some(({ keptTokenIds }) => keptTokenIds !== undefined));
}

/** keptTokens int64 [N, kept], padded with token 0, and keptBias float32 [N, kept]: 0, or very negative at padding. */
function keptTensors(completions: readonly TrainCompletion[], tokenCount: number): [string, Tensor][] {
  const rows = completions.flatMap(({ keptTokenIds }) => required(keptTokenIds, 'the kept tokens of a completion'));
  assert(rows.length === tokenCount, 'every token has its kept tokens');
  const width = rows.reduce((most, { length }) => Math.max(most, length), 1);
  const ids = new BigInt64Array(tokenCount * width);
  const bias = new Float32Array(tokenCount * width).fill(hidden);
  rows.forEach((row, token) => {
    row.forEach((id, i) => {
      ids[token * width + i] = BigInt(id);
      bias[token * width + i] = 0;
    });
  });
  return [
    ['keptTokens', int64(ids, [tokenCount, width])],
    ['keptBias', float32(bias, [tokenCount, width])],
  ];
}

/** Number of a completion's tokens that predict another. */
function readLength({ tokenIds }: TrainCompletion): number {
  return Math.max(0, tokenIds.length - 1);
}

/** float32 [N]: the value of each completion token; a single number is repeated for all tokens of a completion. */
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

/**
 * float32 [B*G, N] or [B, N]: a row for each completion or group, 1 at its tokens; groups of fewer than G completions
 * leave rows of 0.
 */
export function membership({ tensors, groupSizes, completions, tokenCount }: PackedGroups, of: Membership): Tensor {
  const [groupCount = 0, groupSize = 0] = tensors.get('completionCells')?.shape ?? [];
  const rowCount = of === 'group' ? groupCount : groupCount * groupSize;
  const groupOf = groupSizes.flatMap((size, group) => Array<number>(size).fill(group));
  const data = new Float32Array(rowCount * tokenCount);
  let token = 0;
  completions.forEach(({ tokenIds }, index) => {
    const row = of === 'group' ? (groupOf[index] as number) : index;
    const start = row * tokenCount + token;
    data.fill(1, start, start + tokenIds.length);
    token += tokenIds.length;
  });
  return float32(data, [rowCount, tokenCount]);
}

/** Splits the N values into [group][completion][token]. */
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
