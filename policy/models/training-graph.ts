/**
 * Log-probs, loss and gradients of packed groups. A row holds one prompt and, behind it, all completions of its group;
 * the attention bias lets every completion see the prompt and itself. So a prompt and its images are computed once for
 * the G completions, and the gradients are those of G separate sequences (DESIGN section 6).
 */
import { gather, gatherElements, logSoftmax, add, mul, reshape } from '../graph/build.ts';
import { product } from '../graph/dim.ts';
import { gradients } from '../graph/gradient.ts';
import { Graph, type Value } from '../graph/ir.ts';
import { type LossTerms, declareLossTerms, lossOf } from '../objectives/loss.ts';
import type { Loss } from '../engine.ts';
import type { Architecture } from './architecture.ts';
import { attend, repeatHeads } from './attention.ts';
import { decoder, languageHead } from './decoder.ts';
import { type ParameterSpec, declareWeights, isTrained } from './parameters.ts';
import { declareImages, embed } from './prompt-embedding.ts';

export interface TrainingGraphOptions {
  readonly withImages: boolean;
  /** Left out: log-probs only. */
  readonly loss?: Loss['name'];
  readonly withKl?: boolean;
}

/**
 * Inputs: tokenIds, positions int64 [B, S]; attentionBias float32 [B, 1, S, S]; images; rows int64 [N], the flat index
 * of the position that predicts each of the N completion tokens; targets int64 [N]; inverseTemperature []; vocabularyBias
 * [V], very negative for banned tokens; per-token loss terms [N]; every weight by its name.
 * Outputs: logProbs [N]; with a loss also `loss` [] and `gradient:NAME` for every weight that is trained.
 */
export function trainingGraph(
  architecture: Architecture,
  specs: readonly ParameterSpec[],
  options: TrainingGraphOptions,
): Graph {
  const { text } = architecture;
  const g = new Graph('training');
  const tokenIds = g.input('tokenIds', 'int64', ['B', 'S']);
  const positions = g.input('positions', 'int64', ['B', 'S']);
  const attentionBias = g.input('attentionBias', 'float32', ['B', 1, 'S', 'S']);
  const images = declareImages(g, architecture, options.withImages, 'B', 'S');
  const rows = g.input('rows', 'int64', ['N']);
  const targets = g.input('targets', 'int64', ['N']);
  const inverseTemperature = g.input('inverseTemperature', 'float32', []);
  const vocabularyBias = g.input('vocabularyBias', 'float32', [text.vocabularySize]);
  const terms: LossTerms | undefined =
    options.loss === undefined ? undefined : declareLossTerms(g, options.loss, options.withKl === true);
  const weights = declareWeights(g, specs);

  const repeat = text.headCount / text.keyValueHeadCount;
  const x = embed(g, architecture, weights, tokenIds, images);
  const hidden = decoder(g, architecture, weights, x, { batch: 'B', length: 'S', positions }, (_layer, q, k, v) =>
    attend(g, q, repeatHeads(g, k, repeat), repeatHeads(g, v, repeat), attentionBias),
  );
  const logits = languageHead(
    g,
    architecture,
    weights,
    gather(g, reshape(g, hidden, [product(['B', 'S']), text.hiddenSize]), rows, 0),
  );
  const logProbs = logSoftmax(g, add(g, mul(g, logits, inverseTemperature), vocabularyBias));
  const chosen = reshape(g, gatherElements(g, logProbs, reshape(g, targets, ['N', 1]), 1), ['N']);
  g.output('logProbs', chosen);
  if (terms !== undefined) {
    const loss = lossOf(g, terms, chosen);
    g.output('loss', loss);
    const parameters = specs
      .filter((spec) => isTrained(spec) && (images !== undefined || isReadWithoutImages(architecture, spec)))
      .map(({ name }) => weights.of(name));
    gradients(g, loss, parameters).forEach((gradient, index) => {
      g.output(gradientName((parameters[index] as Value).name), gradient);
    });
  }
  return g;
}

export const gradientName = (parameter: string): string => `gradient:${parameter}`;

/** A batch without images sends no gradient to the tower and the connector. */
function isReadWithoutImages({ partOf }: Architecture, { name }: ParameterSpec): boolean {
  const part = partOf(name);
  return part !== 'vision' && part !== 'connector';
}
