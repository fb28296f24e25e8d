/**
 * Sampling as one ONNX call: prompts are computed once, then a Loop holds decoding and sampling until every row has
 * ended. The G rollouts of a prompt read its keys and values in place; only their own are kept per row.
 */
import * as b from '../graph/build.ts';
import { product } from '../graph/dim.ts';
import { Graph, type Value } from '../graph/ir.ts';
import type { Architecture } from './architecture.ts';
import { attend, repeatHeads } from './attention.ts';
import { type DecoderBatch, decoder, languageHead } from './decoder.ts';
import { type DrawOptions, declareSampling, drawToken } from './draw-token.ts';
import { type ParameterSpec, type Weights, mergedWeights } from './parameters.ts';
import { declareImages, embed } from './prompt-embedding.ts';
import { declareRotaryTables } from './rotary-rows.ts';
import { rowEnd } from './row-end.ts';

/** Keys and values of one layer. */
interface Cache {
  readonly k: Value;
  readonly v: Value;
}

export interface RolloutGraphOptions extends DrawOptions {
  readonly withImages: boolean;
  /** Token ids. A row also ends once its last tokens are one of them. */
  readonly stopSequences?: readonly (readonly number[])[];
}

const rows = product(['B', 'G']);

/**
 * Inputs: tokenIds, positions int64 [B, P] (left-padded); attentionBias float32 [B, 1, P, P]; promptBias float32
 * [B, 1, 1, P] (padding out of sight of completions); promptLengths int64 [B, 1], the position behind each prompt;
 * images; rotary tables; uniforms float32 [C, B, G] in (0, 1); greedy bool []; stopToken, padToken int64 []; inverseTemperature, topP []; vocabularyBias [V]; weights.
 * Outputs: tokens int64 [C', B*G, 1] and logProbs float32 [C', B*G, 1], C' <= C steps until all rows had ended.
 */
export function rolloutGraph(
  architecture: Architecture,
  specs: readonly ParameterSpec[],
  options: RolloutGraphOptions,
): Graph {
  const { text } = architecture;
  const g = new Graph('rollout');
  const tokenIds = g.input('tokenIds', 'int64', ['B', 'P']);
  const positions = g.input('positions', 'int64', ['B', 'P']);
  const attentionBias = g.input('attentionBias', 'float32', ['B', 1, 'P', 'P']);
  const promptBias = g.input('promptBias', 'float32', ['B', 1, 1, 'P']);
  const promptLengths = g.input('promptLengths', 'int64', ['B', 1]);
  const images = declareImages(g, architecture, options.withImages, 'B', 'P');
  const rotary = declareRotaryTables(g, text);
  const sampling = declareSampling(g, text.vocabularySize, options);
  const weights = mergedWeights(g, specs);

  // Prefill: keys and values of every prompt, and the logits behind its last token (prompts are left-padded).
  const prompt: Cache[] = [];
  const repeat = text.headCount / text.keyValueHeadCount;
  const { x, deepStack } = embed(g, architecture, weights, tokenIds, images);
  const hidden = decoder(
    g,
    architecture,
    weights,
    x,
    { batch: 'B', length: 'P', positions, rotary, deepStack },
    (_layer, q, k, v) => {
      const cache = { k: repeatHeads(g, k, repeat), v: repeatHeads(g, v, repeat) };
      prompt.push(cache);
      return attend(g, q, cache.k, cache.v, attentionBias);
    },
  );
  const last = b.gather(g, b.reshape(g, hidden, ['B', 'P', text.hiddenSize]), g.constant(BigInt64Array.of(-1n), []), 1);
  const perRollout = (x: Value, width: number): Value =>
    b.reshape(g, b.expand(g, b.reshape(g, x, ['B', 1, width]), ['B', 'G', width]), [rows, width]);
  // The head runs on one row a rollout, as while decoding: matrix kernels for a single row sum in another order, so
  // logits of a shard of one prompt would differ in their last bits.
  const firstLogits = languageHead(g, architecture, weights, perRollout(last, text.hiddenSize));
  const firstPositions = b.reshape(g, b.expand(g, b.reshape(g, promptLengths, ['B', 1, 1]), ['B', 'G', 1]), [rows, 1]);

  const body = new Graph('decode', g);
  const iteration = body.input('iteration', 'int64', []);
  body.input('condition', 'bool', []);
  const carriedLogits = body.input('logits', 'float32', [rows, text.vocabularySize]);
  const ended = body.input('ended', 'bool', [rows, 1]);
  const end = rowEnd(g, body, rows, sampling.stopToken, options.stopSequences);
  const own = prompt.map((cache, layer): Cache => {
    const shape = [rows, cache.k.shape[1] as number, 'T', text.headSize];
    return { k: body.input(`k${layer}`, 'float32', shape), v: body.input(`v${layer}`, 'float32', shape) };
  });
  const drawn = drawToken(body, sampling, options, carriedLogits, iteration);
  const token = b.where(body, ended, sampling.padToken, drawn.token);
  const after = end.after(drawn.token, ended);
  const next = decodeStep(
    body,
    architecture,
    weights,
    token,
    { positions: b.add(body, firstPositions, iteration), rotary },
    prompt,
    own,
    promptBias,
  );
  const unfinished = b.reduceMax(body, b.cast(body, b.not(body, after.ended), 'float32'), [0, 1], false);
  body.output('condition', b.greater(body, unfinished, body.scalar(0)));
  body.output('logits', next.logits);
  body.output('ended', after.ended);
  after.carried.forEach((value, index) => {
    body.output(`end${index}`, value);
  });
  next.own.forEach((cache, layer) => {
    body.output(`k${layer}`, cache.k);
    body.output(`v${layer}`, cache.v);
  });
  body.output('token', token);
  body.output('logProb', drawn.logProb);

  const empty = own.map(({ k }) => b.zeros(g, [rows, k.shape[1] as number, 0, text.headSize]));
  const stepCount = b.reshape(g, b.sizes(g, ['C']), []);
  const notEnded = b.greater(g, b.zeros(g, [rows, 1]), g.scalar(0));
  const results = g.op(
    'Loop',
    [
      stepCount,
      g.constant(Uint8Array.of(1), []),
      firstLogits,
      notEnded,
      ...end.initial,
      ...empty.flatMap((cache) => [cache, cache]),
    ],
    { body },
  );
  g.output('tokens', results.at(-2) as Value);
  g.output('logProbs', results.at(-1) as Value);
  return g;
}

/** Logits after one more token in every row. */
function decodeStep(
  body: Graph,
  architecture: Architecture,
  weights: Weights,
  token: Value,
  place: Pick<DecoderBatch, 'positions' | 'rotary'>,
  prompt: readonly Cache[],
  own: readonly Cache[],
  promptBias: Value,
): { logits: Value; own: Cache[] } {
  const { text } = architecture;
  const repeat = text.headCount / text.keyValueHeadCount;
  const grown: Cache[] = [];
  const x = b.reshape(body, b.gather(body, weights.of(architecture.names.embedding), token, 0), [
    rows,
    text.hiddenSize,
  ]);
  const hidden = decoder(body, architecture, weights, x, { batch: rows, length: 1, ...place }, (layer, q, k, v) => {
    const before = own[layer] as Cache;
    const cache = {
      k: b.concat(body, [before.k, repeatHeads(body, k, repeat)], 2),
      v: b.concat(body, [before.v, repeatHeads(body, v, repeat)], 2),
    };
    grown.push(cache);
    return attendPromptAndOwn(body, q, prompt[layer] as Cache, cache, promptBias);
  });
  return { logits: languageHead(body, architecture, weights, hidden), own: grown };
}

/**
 * Softmax over the prompt's keys and the row's own without joining them: q [R, H, 1, d], prompt [B, H, P, d] shared by
 * the G rows of a group, own [R, H, T, d]; returns [R, H, 1, d].
 */
function attendPromptAndOwn(g: Graph, q: Value, prompt: Cache, own: Cache, promptBias: Value): Value {
  const [, headCount, , headSize] = q.shape as [string, number, number, number];
  // Scaled before the products: those of single rows have a kernel for plain products only.
  const scaled = b.mul(g, q, g.scalar(1 / Math.sqrt(headSize)));
  const grouped = (x: Value, width: number): Value =>
    b.transpose(g, b.reshape(g, x, ['B', 'G', headCount, width]), [0, 2, 1, 3]);
  const ungrouped = (x: Value, width: number): Value =>
    b.reshape(g, b.transpose(g, x, [0, 2, 1, 3]), [rows, headCount, 1, width]);
  const promptScores = b.add(g, b.fusedMatMul(g, grouped(scaled, headSize), prompt.k, { transB: true }), promptBias);
  const ownScores = b.fusedMatMul(g, scaled, own.k, { transB: true });
  const promptMax = b.reduceMax(g, promptScores, [3]);
  const ceiling = b.max(g, ungrouped(promptMax, 1), b.reduceMax(g, ownScores, [3]));
  const promptWeights = b.exp(g, b.sub(g, promptScores, grouped(ceiling, 1)));
  const ownWeights = b.exp(g, b.sub(g, ownScores, ceiling));
  const total = b.add(g, ungrouped(b.reduceSum(g, promptWeights, [3]), 1), b.reduceSum(g, ownWeights, [3]));
  const mixed = b.add(g, ungrouped(b.matMul(g, promptWeights, prompt.v), headSize), b.matMul(g, ownWeights, own.v));
  return b.div(g, mixed, total);
}
