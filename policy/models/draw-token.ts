/** Samples the next token of each row of a rollout. */
import * as b from '../graph/build.ts';
import type { Dim } from '../graph/dim.ts';
import type { Graph, Value } from '../graph/ir.ts';

/** Options that change the graph; the others are inputs. */
export interface DrawOptions {
  /** k, less than the vocabulary size. */
  readonly topK?: number;
  /** Whether `topP` is an input. */
  readonly withTopP?: boolean;
  /** Log-probs are over the kept tokens, which are returned. Requires topK. */
  readonly overKept?: boolean;
}

export interface DrawnToken {
  /** int64 [R, 1] */
  readonly token: Value;
  /** float32 [R, 1] */
  readonly logProb: Value;
  /** int64 [R, k], -1 for tokens that are not kept; with `overKept` only. */
  readonly kept?: Value;
}

export interface SamplingInputs {
  /** float32 [C, N, G] in (0, 1) */
  readonly uniforms: Value;
  /** bool [] */
  readonly greedy: Value;
  /** int64 [] */
  readonly stopToken: Value;
  readonly padToken: Value;
  /** float32 [] */
  readonly inverseTemperature: Value;
  readonly topP?: Value;
  /** float32 [V], very negative for banned tokens */
  readonly vocabularyBias: Value;
}

export function declareSampling(g: Graph, vocabularySize: number, { withTopP }: DrawOptions): SamplingInputs {
  return {
    uniforms: g.input('uniforms', 'float32', ['C', 'N', 'G']),
    greedy: g.input('greedy', 'bool', []),
    stopToken: g.input('stopToken', 'int64', []),
    padToken: g.input('padToken', 'int64', []),
    inverseTemperature: g.input('inverseTemperature', 'float32', []),
    ...(withTopP === true && { topP: g.input('topP', 'float32', []) }),
    vocabularyBias: g.input('vocabularyBias', 'float32', [vocabularySize]),
  };
}

/**
 * Samples one token per row: the first whose cumulative probability among the kept tokens reaches the row's uniform, or
 * if greedy, the most probable. Its log-prob is over all tokens, as in training, whatever was kept; except with
 * `overKept`, where training uses the same tokens.
 * @param logits float32 [V, R]: one column per row of the rollout, as the head returns them
 * @param iteration int64 []
 */
export function drawToken(
  body: Graph,
  inputs: SamplingInputs,
  { topK, overKept }: DrawOptions,
  logits: Value,
  iteration: Value,
): DrawnToken {
  const [vocabularySize, rows] = logits.shape as [number, Dim];
  const bias = b.reshape(body, inputs.vocabularyBias, [vocabularySize, 1]);
  const columns = b.add(body, b.mul(body, logits, inputs.inverseTemperature), bias);
  const scaled = b.transpose(body, columns, [1, 0]);
  const logProbs = b.logSoftmax(body, scaled);
  const drawn = b.reshape(body, b.gather(body, inputs.uniforms, iteration, 0), [1, rows]);
  if (overKept === true) return drawKept(body, logProbs, topK as number, inputs.topP, drawn);
  // CumSum is ten times faster along the first axis.
  const kept = b.transpose(body, keptProbabilities(body, logProbs, topK, inputs.topP), [1, 0]);
  const cumulative = b.cumSum(body, kept, 0);
  // The uniform is scaled by the total, which rounding may leave below 1. Otherwise the last token could be drawn for
  // lack of mass. A token of probability 0 (banned or not kept) is never drawn.
  const total = b.slice(body, cumulative, 0, vocabularySize - 1, vocabularySize);
  const below = b.cast(body, b.less(body, cumulative, b.mul(body, drawn, total)), 'float32');
  const sampled = b.reshape(body, b.cast(body, b.reduceSum(body, below, [0]), 'int64'), [rows, 1]);
  const token = b.where(body, inputs.greedy, b.argMax(body, scaled), sampled);
  return { token, logProb: b.gatherElements(body, logProbs, token, 1) };
}

/**
 * Samples among the k most probable tokens, of which top-p may keep fewer. Ties are cut: the kept tokens are exactly
 * those that are returned.
 * @param logProbs float32 [R, V]
 * @param drawn float32 [1, R], the uniforms
 */
function drawKept(body: Graph, logProbs: Value, k: number, topP: Value | undefined, drawn: Value): DrawnToken {
  const rows = logProbs.shape[0] as Dim;
  const [best, ids] = b.topK(body, logProbs, k);
  const masses = b.exp(body, best);
  const before = b.sub(body, b.cumSum(body, masses, 1), masses);
  const limit = b.mul(body, b.reduceSum(body, masses, [1]), topP ?? body.scalar(2));
  const isKept = b.less(body, before, limit);
  const cumulative = b.cumSum(body, b.mul(body, masses, b.cast(body, isKept, 'float32')), 1);
  const total = b.slice(body, cumulative, 1, k - 1, k);
  const below = b.less(body, cumulative, b.mul(body, b.reshape(body, drawn, [rows, 1]), total));
  const place = b.cast(body, b.reduceSum(body, b.cast(body, below, 'float32'), [1]), 'int64');
  return {
    token: b.gatherElements(body, ids, place, 1),
    logProb: b.sub(body, b.gatherElements(body, best, place, 1), b.log(body, total)),
    kept: b.where(body, isKept, ids, body.constant(BigInt64Array.of(-1n), [])),
  };
}

/**
 * Probabilities, with 0 for tokens that sampling excludes. As in transformers, top-k comes first, then top-p over the
 * tokens that it kept. Tokens tied with the last kept one are kept too (as in TopKLogitsWarper; in TopPLogitsWarper it
 * depends on the sort).
 */
function keptProbabilities(body: Graph, logProbs: Value, topK: number | undefined, topP: Value | undefined): Value {
  const probabilities = b.exp(body, logProbs);
  if (topK === undefined && topP === undefined) return probabilities;
  const [best] = b.topK(body, logProbs, topK ?? (logProbs.shape[1] as number));
  const among = (cut: Value): Value =>
    b.mul(body, probabilities, b.cast(body, b.lessOrEqual(body, cut, logProbs), 'float32'));
  const ofTopK = topK === undefined ? probabilities : among(b.slice(body, best, 1, topK - 1, topK));
  return topP === undefined ? ofTopK : among(nucleusCut(body, best, b.reduceSum(body, ofTopK, [1]), topP));
}

/**
 * Log-prob of the last token of the nucleus: the fewest most probable tokens that hold the share topP of the total.
 * @param best float32 [R, K] log-probs, highest first
 * @param total float32 [R, 1]
 * @returns float32 [R, 1]
 */
function nucleusCut(body: Graph, best: Value, total: Value, topP: Value): Value {
  const masses = b.exp(body, best);
  const before = b.sub(body, b.cumSum(body, masses, 1), masses);
  const isKept = b.cast(body, b.less(body, before, b.mul(body, total, topP)), 'float32');
  return b.neg(body, b.reduceMax(body, b.mul(body, b.neg(body, best), isKept), [1]));
}
