/** Losses over the chosen tokens' log-probs [N]; every token carries its own weight, so normalisation is the caller's. */
import type { Loss } from '../engine.ts';
import { add, exp, max, min, mul, neg, reduceSum, sub } from '../graph/build.ts';
import type { Graph, Value } from '../graph/ir.ts';

/** Graph inputs of a loss; all per token float32 [N], but for the scalars. */
export interface LossTerms {
  readonly name: Loss['name'];
  readonly tokenWeights: Value;
  readonly advantages?: Value;
  readonly oldLogProbs?: Value;
  readonly ratioMin?: Value;
  readonly ratioMax?: Value;
  readonly referenceLogProbs?: Value;
  readonly klCoefficient?: Value;
}

export function declareLossTerms(g: Graph, name: Loss['name'], withKl: boolean): LossTerms {
  const perToken = (input: string): Value => g.input(input, 'float32', ['N']);
  const scalar = (input: string): Value => g.input(input, 'float32', []);
  const tokenWeights = perToken('tokenWeights');
  if (name === 'cross_entropy') return { name, tokenWeights };
  return {
    name,
    tokenWeights,
    advantages: perToken('advantages'),
    oldLogProbs: perToken('oldLogProbs'),
    ratioMin: scalar('ratioMin'),
    ratioMax: scalar('ratioMax'),
    ...(withKl ? { referenceLogProbs: perToken('referenceLogProbs'), klCoefficient: scalar('klCoefficient') } : {}),
  };
}

/** The scalar loss: sum of weight * token loss. */
export function lossOf(g: Graph, terms: LossTerms, logProbs: Value): Value {
  const tokenLoss = terms.name === 'cross_entropy' ? neg(g, logProbs) : clippedPolicyLoss(g, terms, logProbs);
  return reduceSum(g, mul(g, tokenLoss, terms.tokenWeights), [0], false);
}

/** -min(r A, clip(r) A), r = exp(logp - old) (PPO, arXiv 1707.06347), plus the k3 estimate of the KL term as in GRPO (arXiv 2402.03300). */
function clippedPolicyLoss(g: Graph, terms: LossTerms, logProbs: Value): Value {
  const { advantages, oldLogProbs, ratioMin, ratioMax, referenceLogProbs, klCoefficient } =
    terms as Required<LossTerms>;
  const ratio = exp(g, sub(g, logProbs, oldLogProbs));
  const clipped = min(g, max(g, ratio, ratioMin), ratioMax);
  const policyLoss = neg(g, min(g, mul(g, ratio, advantages), mul(g, clipped, advantages)));
  if ((klCoefficient as Value | undefined) === undefined) return policyLoss;
  const gap = sub(g, referenceLogProbs, logProbs);
  const k3 = sub(g, sub(g, exp(g, gap), gap), g.scalar(1));
  return add(g, policyLoss, mul(g, k3, klCoefficient));
}
