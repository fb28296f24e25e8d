/**
 * Log-probs, loss and gradients of packed groups: one list of tokens, in which each prompt is followed by its
 * completions. A completion attends to its prompt and to itself, so a prompt and its images are computed once for the G
 * completions, and the gradients are those of G separate sequences (docs/engine.md).
 */
import {
  add,
  detach,
  exp,
  gather,
  gatherElements,
  log,
  logSoftmax,
  mul,
  reduceMax,
  reduceSum,
  reshape,
  sub,
} from '../graph/build.ts';
import { gradients } from '../graph/gradient.ts';
import { Graph, type Value } from '../graph/ir.ts';
import { type LossTerms, declareLossTerms, lossOf } from '../losses/graph-terms.ts';
import type { LossVariant } from '../losses/loss.ts';
import type { LossName } from '../losses/table.ts';
import type { Architecture } from './architecture.ts';
import { decoder, languageHead } from './decoder.ts';
import { declareCells, packedAttention } from './packed-attention.ts';
import { type ParameterSpec, declareWeights, isTrained } from './parameters.ts';
import { declareImages, embed } from './prompt-embedding.ts';
import { declareRotaryTables } from './rotary-rows.ts';

export interface TrainingGraphOptions {
  readonly withImages: boolean;
  /** Log-probs are over the tokens that sampling kept. */
  readonly overKept?: boolean;
  /** Default: log-probs only. */
  readonly loss?: LossName;
  /** Whether the loss has terms of the reference policy. */
  readonly withReference?: boolean;
  /** Default: the loss's usual graph. */
  readonly lossVariant?: LossVariant;
  /** Recompute layers in the backward pass instead of storing their activations. */
  readonly recompute?: boolean;
}

/**
 * Inputs: tokenIds, positions int64 [T, 1]; cells; images; rotary tables; rows int64 [N], the index of the token that
 * predicts each of the N completion tokens; targets int64 [N]; inverseTemperature []; vocabularyBias
 * [V], very negative for banned tokens; with `overKept` keptTokens int64 and keptBias float32 [N, kept]; per-token loss terms [N]; every weight by its name.
 * Outputs: logProbs [N]; with a loss also `loss` [] and `gradient:NAME` for every weight that is trained.
 */
export function trainingGraph(
  architecture: Architecture,
  specs: readonly ParameterSpec[],
  options: TrainingGraphOptions,
): Graph {
  const { text } = architecture;
  const g = new Graph('training');
  const tokenIds = g.input('tokenIds', 'int64', ['T', 1]);
  const positions = g.input('positions', 'int64', ['T', 1]);
  const cells = declareCells(g);
  const images = declareImages(g, architecture, options.withImages, 'T', 1);
  const rotary = declareRotaryTables(g, text);
  const rows = g.input('rows', 'int64', ['N']);
  const targets = g.input('targets', 'int64', ['N']);
  const inverseTemperature = g.input('inverseTemperature', 'float32', []);
  const vocabularyBias = g.input('vocabularyBias', 'float32', [text.vocabularySize]);
  const terms: LossTerms | undefined =
    options.loss === undefined
      ? undefined
      : declareLossTerms(g, options.loss, options.withReference === true, options.lossVariant);
  const weights = declareWeights(g, specs);

  const attention = packedAttention(g, text, cells);
  const { x, deepStack } = embed(g, architecture, weights, tokenIds, images);
  const batch = { batch: 'T', length: 1, positions, rotary, deepStack };
  const hidden = decoder(g, architecture, weights, x, batch, (_layer, q, k, v) => attention(q, k, v));
  const logits = languageHead(g, architecture, weights, gather(g, hidden, rows, 0));
  const scaled = add(g, mul(g, logits, inverseTemperature), vocabularyBias);
  const logProbs = options.overKept === true ? overKept(g, scaled) : logSoftmax(g, scaled);
  const chosen = reshape(g, gatherElements(g, logProbs, reshape(g, targets, ['N', 1]), 1), ['N']);
  g.output('logProbs', chosen);
  if (terms !== undefined) {
    const loss = lossOf(g, terms, chosen);
    g.output('loss', loss);
    const parameters = specs
      .filter((spec) => isTrained(spec) && (images !== undefined || isReadWithoutImages(architecture, spec)))
      .map(({ name }) => weights.of(name));
    gradients(g, loss, parameters, { recompute: options.recompute === true }).forEach((gradient, index) => {
      g.output(gradientName((parameters[index] as Value).name), gradient);
    });
  }
  return g;
}

/** Log-probs [N, V] of the logits, normalised over the kept tokens of each row; those of other tokens mean nothing. */
function overKept(g: Graph, logits: Value): Value {
  const tokens = g.input('keptTokens', 'int64', ['N', 'kept']);
  const among = add(g, gatherElements(g, logits, tokens, 1), g.input('keptBias', 'float32', ['N', 'kept']));
  // Cancels out, and needs no gradient.
  const ceiling = detach(g, reduceMax(g, among, [1]));
  const total = reduceSum(g, exp(g, sub(g, among, ceiling)), [1]);
  return sub(g, logits, add(g, ceiling, log(g, total)));
}

export const gradientName = (parameter: string): string => `gradient:${parameter}`;

/** Whether a batch without images uses the weight: it has no gradient for the tower and the connector. */
function isReadWithoutImages({ partOf }: Architecture, { name }: ParameterSpec): boolean {
  const part = partOf(name);
  return part !== 'vision' && part !== 'connector';
}
