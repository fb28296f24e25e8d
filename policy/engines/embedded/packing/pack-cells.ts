/** Attention cells of the tokens of packed groups: inputs of policy/models/packed-attention.ts. */
import { hidden } from '../../../models/attention.ts';
import type { Tensor } from '../../../runtime/graph-runner.ts';
import { float32, int64 } from './prompt-batch.ts';

/** Token counts of one group, whose tokens are contiguous: the prompt's, then each completion's. */
export interface GroupLengths {
  readonly prompt: number;
  readonly completions: readonly number[];
}

/** Floats that ONNX Runtime's reductions read at once: 16 bytes. */
const vectorLength = 4;

export interface PackedCells {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** T. If any cell is padding, the last token belongs to no group. */
  readonly tokenCount: number;
}

/** Sizes of the cells of each group: the bits of a group depend on these, not on how many groups there are. */
export interface CellSizes {
  /** Cells of the prompt, and of each completion. */
  readonly promptLength: number;
  readonly length: number;
  /** Completions of a group. */
  readonly groupSize: number;
}

export function cellSizes(groups: readonly GroupLengths[]): CellSizes {
  return {
    promptLength: rounded(Math.max(...groups.map(({ prompt }) => prompt))),
    length: rounded(Math.max(1, ...groups.flatMap(({ completions }) => completions))),
    groupSize: Math.max(1, ...groups.map(({ completions }) => completions.length)),
  };
}

export function packCells(groups: readonly GroupLengths[]): PackedCells {
  const { promptLength, length, groupSize } = cellSizes(groups);
  const ownStart = groups.length * promptLength;
  const cellCount = ownStart + groups.length * groupSize * length;
  const lengths = groups.flatMap(({ prompt, completions }) => [prompt, ...completions]);
  const used = lengths.reduce((sum, each) => sum + each, 0);
  const tokenCount = used < cellCount ? used + 1 : used;
  const cells = new BigInt64Array(cellCount).fill(BigInt(used));
  const tokenCells = new BigInt64Array(tokenCount);
  const promptBias = new Float32Array(ownStart);
  let token = 0;
  const place = (start: number, count: number): void => {
    for (let cell = start; cell < start + count; cell++) {
      cells[cell] = BigInt(token);
      tokenCells[token++] = BigInt(cell);
    }
  };
  groups.forEach(({ prompt, completions }, group) => {
    place(group * promptLength, prompt);
    promptBias.fill(hidden, group * promptLength + prompt, (group + 1) * promptLength);
    completions.forEach((count, index) => {
      place(ownStart + (group * groupSize + index) * length, count);
    });
  });
  // No gradient reaches padding cells, so the padding token gets none.
  if (tokenCount > used) tokenCells[used] = BigInt(cells.lastIndexOf(BigInt(used)));
  return {
    tokenCount,
    tensors: new Map([
      ['promptCells', int64(cells.slice(0, ownStart), [groups.length, promptLength])],
      ['completionCells', int64(cells.slice(ownStart), [groups.length, groupSize, length])],
      ['tokenCells', int64(tokenCells, [tokenCount])],
      ['promptBias', float32(promptBias, [groups.length, 1, promptLength])],
      ['promptOrder', float32(causal(promptLength), [promptLength, promptLength])],
      ['completionOrder', float32(causal(length), [length, length])],
    ]),
  };
}

/**
 * Rounds up to whole vectors. The sum over a row depends on the row's offset within a vector, so without rounding a
 * group's results would depend on its position.
 */
function rounded(length: number): number {
  return vectorLength * Math.ceil(length / vectorLength);
}

/** Causal mask: rows are queries, and keys after the query are masked. */
function causal(length: number): Float32Array {
  const bias = new Float32Array(length * length);
  for (let row = 0; row < length; row++) bias.fill(hidden, row * length + row + 1, (row + 1) * length);
  return bias;
}
