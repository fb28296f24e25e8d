/**
 * How hidden states lie in memory. A decoder says its maths once, in either layout.
 *
 * `rows`: a row a token [N, D], as everybody has it. `columns`: a column a token [D, N]. A product of few tokens and a
 * large matrix then has the matrix on its left, where ONNX Runtime's kernels read it where it lies; on the right they
 * copy all of it into blocks first, at every call.
 */
import { gemm, linear, reshape, transpose } from '../graph/build.ts';
import type { Dim } from '../graph/dim.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { mergeHeads, splitHeads } from './attention.ts';

export interface Layout {
  /** A weight [out, in] times hidden states, plus a bias (see below) or a residual of the result's shape. */
  readonly product: (g: Graph, weight: Value, x: Value, added?: Value) => Value;
  /** [out] as `product` adds it. */
  readonly bias: (g: Graph, bias: Value) => Value;
  /** To a row a token, and from it. */
  readonly toRows: (g: Graph, x: Value) => Value;
  readonly fromRows: (g: Graph, x: Value) => Value;
  /** Hidden states of B*S tokens, H*d wide, to [B, H, S, d], and back. */
  readonly splitHeads: (g: Graph, x: Value, batch: Dim, length: Dim, headCount: number) => Value;
  readonly mergeHeads: (g: Graph, x: Value) => Value;
}

/**
 * With so many columns a product sums every one of them in the same order (MLAS, MlasSgemmOperation: how it splits the
 * inner dimension depends on whether there are up to 16, 32 or 64 columns): a token's bits depend on no other token.
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

/** Heads are those of one sequence: B = 1. */
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
