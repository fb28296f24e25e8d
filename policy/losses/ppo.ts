/**
 * The policy gradient with a clipped ratio (PPO, arXiv 1707.06347), with the KL term of GRPO (arXiv 2402.03300), and in
 * variants: ratios of whole rollouts (GSPO, arXiv 2507.18071), clipping of the ratio as a constant (CISPO, arXiv
 * 2506.13585), other estimators of the divergence.
 */
import { add, detach, exp, matMul, max, min, mul, neg, reshape, sub } from '../graph/build.ts';
import { product } from '../graph/dim.ts';
import type { Graph, Value } from '../graph/ir.ts';
import type { LossUnit, LossVariant } from './loss.ts';

/**
 * sum of tokenWeight * (-min(r A, clip(r, 1 - clipLow, 1 + clipHigh) A) + klCoefficient * k3), where
 * r = exp(logp - old logp) and k3 = exp(d) - d - 1 with d = reference logp - logp
 */
export interface PpoLoss {
  readonly name: 'ppo';
  readonly clipLow: number;
  readonly clipHigh: number;
  /** Weight of the KL term; 0 omits it. */
  readonly klCoefficient: number;
  /**
   * `logp - old logp` of a token becomes the sum over the tokens of its completion, or their mean. Default: the token's
   * own.
   */
  readonly ratio?: 'sequence' | 'sequence-mean';
  /** `stop-gradient`: -(clip(r) as a constant) A logp. Default: the smaller objective, as above. */
  readonly clip?: 'stop-gradient';
  /** k1 = -d, k2 = d^2 / 2. Default: k3. */
  readonly klEstimator?: 'k1' | 'k2';
}

export const ppo: LossUnit<PpoLoss> = {
  name: 'ppo',
  usesReference: ({ klCoefficient }) => klCoefficient > 0,
  variant({ ratio, clip, klEstimator }) {
    if (ratio === undefined && clip === undefined && klEstimator === undefined) return undefined;
    return { ...(ratio && { ratio }), ...(clip && { clip }), ...(klEstimator && { klEstimator }) };
  },
  inputs: (usesReference, { ratio } = {}) => ({
    advantages: { perToken: ({ advantage = 0 }) => advantage },
    oldLogProbs: { perToken: ({ logProbs = [] }) => logProbs },
    ratioMin: { scalar: ({ clipLow }) => 1 - clipLow },
    ratioMax: { scalar: ({ clipHigh }) => 1 + clipHigh },
    ...(usesReference && {
      referenceLogProbs: { perToken: ({ referenceLogProbs = [] }) => referenceLogProbs },
      klCoefficient: { scalar: ({ klCoefficient }) => klCoefficient },
    }),
    ...(ratio !== undefined && { membership: { membership: 'completion' } }),
    ...(ratio === 'sequence-mean' && { inverseLengths: { perToken: ({ tokenIds }) => 1 / tokenIds.length } }),
  }),
  tokenLoss(g, logProbs, input, usesReference, { ratio: level, clip, klEstimator } = {}) {
    const advantages = input('advantages');
    const change = sub(g, logProbs, input('oldLogProbs'));
    const ratio = exp(g, level === undefined ? change : overSequences(g, change, input, level));
    const clipped = min(g, max(g, ratio, input('ratioMin')), input('ratioMax'));
    const policyLoss =
      clip === 'stop-gradient'
        ? neg(g, mul(g, mul(g, detach(g, clipped), advantages), logProbs))
        : neg(g, min(g, mul(g, ratio, advantages), mul(g, clipped, advantages)));
    if (!usesReference) return policyLoss;
    const gap = sub(g, input('referenceLogProbs'), logProbs);
    return add(g, policyLoss, mul(g, divergence(g, gap, klEstimator), input('klCoefficient')));
  },
};

/** Sums or means of the values [N] over the tokens of each completion, at each of its tokens: [N]. */
function overSequences(g: Graph, values: Value, input: (name: string) => Value, level: string): Value {
  const membership = input('membership');
  const sums = matMul(g, membership, reshape(g, values, ['N', 1]));
  const spread = reshape(g, matMul(g, reshape(g, sums, [1, product(['B', 'G'])]), membership), ['N']);
  return level === 'sequence' ? spread : mul(g, spread, input('inverseLengths'));
}

/** @param gap reference logp - logp, [N] */
function divergence(g: Graph, gap: Value, estimator: LossVariant[string] | undefined): Value {
  if (estimator === 'k1') return neg(g, gap);
  if (estimator === 'k2') return mul(g, mul(g, gap, gap), g.scalar(0.5));
  return sub(g, sub(g, exp(g, gap), gap), g.scalar(1));
}
