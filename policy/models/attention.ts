/** Shared by all attention: splitting, merging and repeating heads, and scaled dot-product attention. */
import { add, expand, fusedMatMul, matMul, reshape, softmax, transpose } from '../graph/build.ts';
import { type Dim, product } from '../graph/dim.ts';
import type { Graph, Value } from '../graph/ir.ts';

/** Added to an attention score to mask a key; finite, so that a fully masked row does not become NaN. */
export const hidden = -1e9;

/** [B*S, H*d] -> [B, H, S, d] */
export function splitHeads(g: Graph, x: Value, batch: Dim, length: Dim, headCount: number): Value {
  const headSize = (x.shape[1] as number) / headCount;
  return transpose(g, reshape(g, x, [batch, length, headCount, headSize]), [0, 2, 1, 3]);
}

/** [B, H, S, d] -> [B*S, H*d] */
export function mergeHeads(g: Graph, x: Value): Value {
  const [batch, headCount, length, headSize] = x.shape as [Dim, number, Dim, number];
  return reshape(g, transpose(g, x, [0, 2, 1, 3]), [product([batch, length]), headCount * headSize]);
}

/** Repeats each key/value head for `times` query heads (grouped-query attention). [B, K, S, d] -> [B, K*times, S, d] */
export function repeatHeads(g: Graph, x: Value, times: number): Value {
  if (times === 1) return x;
  const [batch, headCount, length, headSize] = x.shape as [Dim, number, Dim, number];
  const wide = expand(g, reshape(g, x, [batch, headCount, 1, length, headSize]), [
    batch,
    headCount,
    times,
    length,
    headSize,
  ]);
  return reshape(g, wide, [batch, headCount * times, length, headSize]);
}

/** softmax(q k^T / sqrt(d) + bias) v; q [B, H, S, d], k and v [B, H, K, d], bias broadcast to [B, H, S, K]. */
export function attend(g: Graph, q: Value, k: Value, v: Value, bias?: Value): Value {
  const alpha = 1 / Math.sqrt(q.shape[3] as number);
  const scores = fusedMatMul(g, q, k, { transB: true, alpha });
  return matMul(g, softmax(g, bias === undefined ? scores : add(g, scores, bias)), v);
}
