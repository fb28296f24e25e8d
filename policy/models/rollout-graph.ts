/**
 * Sampling as one ONNX call: prompts are computed once and the first tokens sampled, then a Loop decodes and samples
 * until every row has ended. The G rollouts of a prompt share its keys and values; each row stores only its own.
 */
import * as b from '../graph/build.ts';
import { product } from '../graph/dim.ts';
import { Graph, type Value } from '../graph/ir.ts';
import type { Architecture } from './architecture.ts';
import { attend, repeatHeads } from './attention.ts';
import { type DecoderBatch, decoder, languageHead } from './decoder.ts';
import { type DrawOptions, declareSampling, drawToken } from './draw-token.ts';
import { columns } from './layout.ts';
import { type ParameterSpec, type Weights, declareWeights } from './parameters.ts';
import { declareImages, embed } from './prompt-embedding.ts';
import { type Cache, attendPromptAndOwn, grown } from './rollout-attention.ts';
import { declareRotaryTables } from './rotary-rows.ts';
import { type RowEnds, carried, rowEnd } from './row-end.ts';

export interface RolloutGraphOptions extends DrawOptions {
  readonly withImages: boolean;
  /** Sequences of token ids; a row also ends with any of them. */
  readonly stopSequences?: readonly (readonly number[])[];
}

/** Rows of the loop; the rollouts of a group are adjacent. */
const rows = product(['N', 'G']);

/**
 * Inputs: tokenIds, positions int64 [B, P] (left-padded); attentionBias float32 [B, 1, P, P]; images; rotary tables;
 * for each group of G rollouts: groupPrompts int64 [N], the index of its prompt; promptBias float32 [N, 1, P], which
 * masks padding for completions; promptLengths int64 [N, 1], the position after the prompt; uniforms float32 [C, N, G]
 * in (0, 1); greedy bool []; stopToken, padToken int64 []; inverseTemperature, topP []; vocabularyBias [V]; weights.
 * Outputs: tokens int64 [C', N*G, 1] and logProbs float32 [C', N*G, 1], where C' <= C is the length of the longest row;
 * with `overKept` also kept int64 [C', N*G, k].
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
  const groupPrompts = g.input('groupPrompts', 'int64', ['N']);
  const promptBias = g.input('promptBias', 'float32', ['N', 1, 'P']);
  const promptLengths = g.input('promptLengths', 'int64', ['N', 1]);
  const images = declareImages(g, architecture, options.withImages, 'B', 'P');
  const rotary = declareRotaryTables(g, text);
  const sampling = declareSampling(g, text.vocabularySize, options);
  const weights = declareWeights(g, specs);

  // Prefill: keys and values of every prompt, and the logits after its last token (prompts are left-padded).
  const prompt: Cache[] = [];
  const repeat = text.headCount / text.keyValueHeadCount;
  const ofGroups = (x: Value): Value => {
    const heads = b.transpose(g, b.gather(g, x, groupPrompts, 0), [1, 0, 2, 3]);
    return b.reshape(g, heads, [text.keyValueHeadCount, 1, 'N', 'P', text.headSize]);
  };
  const { x, deepStack } = embed(g, architecture, weights, tokenIds, images);
  const batch = { batch: 'B', length: 'P', positions, rotary, deepStack };
  const hidden = decoder(g, architecture, weights, x, batch, (_layer, q, k, v) => {
    prompt.push({ k: ofGroups(k), v: ofGroups(v) });
    return attend(g, q, repeatHeads(g, k, repeat), repeatHeads(g, v, repeat), attentionBias);
  });
  const last = b.gather(g, b.reshape(g, hidden, ['B', 'P', text.hiddenSize]), g.constant(BigInt64Array.of(-1n), []), 1);
  const perRollout = (x: Value, width: number): Value =>
    b.reshape(g, b.expand(g, b.reshape(g, x, ['N', 1, width]), ['N', 'G', width]), [rows, width]);
  // The head runs on one row per rollout, as in decoding: with fewer rows, kernels sum in another order.
  const firstHidden = columns.fromRows(g, perRollout(b.gather(g, last, groupPrompts, 0), text.hiddenSize));
  const firstLogits = languageHead(g, architecture, weights, firstHidden, columns);
  const firstPositions = b.reshape(g, perRollout(promptLengths, 1), [1, rows]);

  const ends = rowEnd(sampling.stopToken, options.stopSequences);
  const first = drawToken(g, sampling, options, firstLogits, g.constant(BigInt64Array.of(0n), []));
  const afterFirst = ends.after(g, first.token, ends.start(g, rows));

  // Each iteration decodes the previous token and samples the next. The last sampled token is not fed back.
  const body = new Graph('decode', g);
  const iteration = body.input('iteration', 'int64', []);
  body.input('condition', 'bool', []);
  const token = body.input('token', 'int64', [rows, 1]);
  const before = ends.declare(body, rows);
  const own = prompt.map((_, layer): Cache => {
    const shape = [text.keyValueHeadCount, 1, rows, 'T', text.headSize];
    return { k: body.input(`k${layer}`, 'float32', shape), v: body.input(`v${layer}`, 'float32', shape) };
  });
  const place = { positions: b.add(body, firstPositions, iteration), rotary };
  const next = decodeStep(body, architecture, weights, token, place, prompt, own, promptBias);
  const drawIndex = b.add(body, iteration, body.constant(BigInt64Array.of(1n), []));
  const drawn = drawToken(body, sampling, options, next.logits, drawIndex);
  const nextToken = b.where(body, before.ended, sampling.padToken, drawn.token);
  const after = ends.after(body, drawn.token, before);
  body.output('condition', anyUnended(body, after));
  body.output('nextToken', nextToken);
  carried(after).forEach((value, index) => {
    body.output(`end${index}`, value);
  });
  next.own.forEach((cache, layer) => {
    body.output(`k${layer}`, cache.k);
    body.output(`v${layer}`, cache.v);
  });
  body.output('token', nextToken);
  body.output('logProb', drawn.logProb);
  if (drawn.kept !== undefined) body.output('kept', drawn.kept);

  const empty = own.map(() => b.zeros(g, [text.keyValueHeadCount, 1, rows, 0, text.headSize]));
  const trips = b.add(g, b.reshape(g, b.sizes(g, ['C']), []), g.constant(BigInt64Array.of(-1n), []));
  const initial = [first.token, ...carried(afterFirst), ...empty.flatMap((cache) => [cache, cache])];
  const results = g.op('Loop', [trips, anyUnended(g, afterFirst), ...initial], { body });
  const drawnFirst = { tokens: first.token, logProbs: first.logProb, ...(first.kept && { kept: first.kept }) };
  const scanned = results.slice(-Object.keys(drawnFirst).length);
  Object.entries(drawnFirst).forEach(([name, value], i) => {
    const before = b.reshape(g, value, [1, ...value.shape]);
    g.output(name, b.concat(g, [before, scanned[i] as Value], 0));
  });
  return g;
}

/** bool [] */
function anyUnended(g: Graph, { ended }: RowEnds): Value {
  return b.greater(g, b.reduceMax(g, b.cast(g, b.not(g, ended), 'float32'), [0, 1], false), g.scalar(0));
}

/** Logits after one more token in every row. Rows are tokens of one sequence, except in attention, which is per row. */
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
  const { hiddenSize } = architecture.text;
  const after: Cache[] = [];
  const x = b.reshape(body, b.gather(body, weights.of(architecture.names.embedding), token, 0), [rows, hiddenSize]);
  const batch = { batch: 1, length: rows, layout: columns, ...place };
  const hidden = decoder(body, architecture, weights, columns.fromRows(body, x), batch, (layer, q, k, v) => {
    const cache = grown(body, own[layer] as Cache, k, v);
    after.push(cache);
    return attendPromptAndOwn(body, q, prompt[layer] as Cache, cache, promptBias);
  });
  return { logits: languageHead(body, architecture, weights, hidden, columns), own: after };
}
