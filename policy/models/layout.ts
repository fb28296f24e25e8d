/**
 * Memory layouts of hidden states. The decoder is written once for both.
 *
 * `rows`: one row per token [N, D], the usual layout. `columns`: one column per token [D, N]. In a product of few
 * tokens and a large matrix, the matrix is then the left operand, which ONNX Runtime's kernels read in place. They copy
 * a right operand into blocks on every call.
 */
import { gemm, linear, reshape, transpose } from '../graph/build.ts';
import type { Dim } from '../graph/dim.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { mergeHeads, splitHeads } from './attention.ts';

export interface Layout {
  /** Weight [out, in] times hidden states, plus the result of `bias` or a residual of the result's shape. */
  readonly product: (g: Graph, weight: Value, x: Value, added?: Value) => Value;
  /** A bias [out] in the shape that `product` adds. */
  readonly bias: (g: Graph, bias: Value) => Value;
  /** Converts to one row per token; fromRows is the inverse. */
  readonly toRows: (g: Graph, x: Value) => Value;
  readonly fromRows: (g: Graph, x: Value) => Value;
  /** Converts hidden states of B*S tokens, H*d wide, to [B, H, S, d]; mergeHeads is the inverse. */
  readonly splitHeads: (g: Graph, x: Value, batch: Dim, length: Dim, headCount: number) => Value;
  readonly mergeHeads: (g: Graph, x: Value) => Value;
}

/**
 * With a column count in this range, a product sums every column in the same order, so a token's bits do not depend on
 * other tokens (MLAS, MlasSgemmOperation: the split of the inner dimension depends on whether there are up to 16, 32 or
 * 64 columns).
 */
export const columnCountMin = 17;
export const columnCountMax = 32;

const same = (_g: Graph, x: Value): Value => x;

export const rows: Layout = {
  product: (g, weight, x, added) => linear(g, x, weight, added),
  bias: same,
  toRows: same,
  fromRows: same,
  splitHeads,
  mergeHeads,
};

const transposed = (g: Graph, x: Value): Value => transpose(g, x, [1, 0]);

/** Requires B = 1 for splitting and merging heads. */
export const columns: Layout = {
  product: (g, weight, x, added) => gemm(g, weight, x, added === undefined ? {} : { c: added }),
  bias: (g, bias) => reshape(g, bias, [...bias.shape, 1]),
  toRows: transposed,
  fromRows: transposed,
  splitHeads(g, x, batch, length, headCount) {
    const headSize = (x.shape[0] as number) / headCount;
    return transpose(g, reshape(g, x, [batch, headCount, headSize, length]), [0, 1, 3, 2]);
  },
  mergeHeads(g, x) {
    const [, headCount, length, headSize] = x.shape as [1, number, Dim, number];
    return reshape(g, transpose(g, x, [0, 1, 3, 2]), [headCount * headSize, length]);
  },
};
