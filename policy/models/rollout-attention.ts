/** Attention in decoding: a row attends to its prompt, which the rows of its group share, and to its own tokens. */
import * as b from '../graph/build.ts';
import type { Dim } from '../graph/dim.ts';
import type { Graph, Value } from '../graph/ir.ts';

/**
 * Keys and values of one layer: of prompts [K, 1, N, P, d] or of the rows' own tokens [K, 1, R, T, d], for K key/value
 * heads. The second axis is broadcast over the query heads of each key/value head.
 */
export interface Cache {
  readonly k: Value;
  readonly v: Value;
}

/** Appends one token per row; k and v [1, K, R, d]. */
export function grown(g: Graph, own: Cache, k: Value, v: Value): Cache {
  const [, headCount, rows, headSize] = k.shape as [1, number, Dim, number];
  const token = (x: Value): Value => b.reshape(g, x, [headCount, 1, rows, 1, headSize]);
  return { k: b.concat(g, [own.k, token(k)], 3), v: b.concat(g, [own.v, token(v)], 3) };
}

/**
 * One softmax over the prompt's keys and the row's own, which are never concatenated.
 * @param q [1, H, R, d], the R = N*G rows of all groups
 * @param promptBias [N, 1, P]
 * @returns [1, H, R, d]
 */
export function attendPromptAndOwn(g: Graph, q: Value, prompt: Cache, own: Cache, promptBias: Value): Value {
  const [, headCount, rows, headSize] = q.shape as [1, number, Dim, number];
  const [keyHeadCount, , groups, promptLength] = prompt.k.shape as [number, 1, Dim, Dim];
  const heads = [keyHeadCount, headCount / keyHeadCount];
  const grouped = (x: Value, width: Dim): Value => b.reshape(g, x, [...heads, groups, 'G', width]);
  const single = (x: Value, width: Dim): Value => b.reshape(g, x, [...heads, rows, 1, width]);
  // q is scaled before the products: the kernel for products of single rows does not support a scale.
  const scaled = b.mul(g, q, g.scalar(1 / Math.sqrt(headSize)));
  const promptProducts = b.fusedMatMul(g, grouped(scaled, headSize), prompt.k, { transB: true });
  const promptScores = single(b.add(g, promptProducts, promptBias), promptLength);
  const ownScores = b.fusedMatMul(g, single(scaled, headSize), own.k, { transB: true });
  const shares = b.softmax(g, b.concat(g, [promptScores, ownScores], 4));
  const [ofPrompt, ofOwn] = b.split(g, shares, 4, [promptLength, own.k.shape[3] as Dim]) as [Value, Value];
  const fromPrompt = single(b.matMul(g, grouped(ofPrompt, promptLength), prompt.v), headSize);
  return b.reshape(g, b.add(g, fromPrompt, b.matMul(g, ofOwn, own.v)), [1, headCount, rows, headSize]);
}
