/** The clipped policy gradient (PPO, arXiv 1707.06347), with the KL term of GRPO (arXiv 2402.03300). */
import { add, exp, max, min, mul, neg, sub } from '../graph/build.ts';
import type { LossUnit } from './loss.ts';

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
}

export const ppo: LossUnit<PpoLoss> = {
  name: 'ppo',
  usesReference: ({ klCoefficient }) => klCoefficient > 0,
  inputs: (usesReference) => ({
    advantages: { perToken: ({ advantage = 0 }) => advantage },
    oldLogProbs: { perToken: ({ logProbs = [] }) => logProbs },
    ratioMin: { scalar: ({ clipLow }) => 1 - clipLow },
    ratioMax: { scalar: ({ clipHigh }) => 1 + clipHigh },
    ...(usesReference && {
      referenceLogProbs: { perToken: ({ referenceLogProbs = [] }) => referenceLogProbs },
      klCoefficient: { scalar: ({ klCoefficient }) => klCoefficient },
    }),
  }),
  tokenLoss(g, logProbs, input, usesReference) {
    const advantages = input('advantages');
    const ratio = exp(g, sub(g, logProbs, input('oldLogProbs')));
    const clipped = min(g, max(g, ratio, input('ratioMin')), input('ratioMax'));
    const policyLoss = neg(g, min(g, mul(g, ratio, advantages), mul(g, clipped, advantages)));
    if (!usesReference) return policyLoss;
    const gap = sub(g, input('referenceLogProbs'), logProbs);
    const k3 = sub(g, sub(g, exp(g, gap), gap), g.scalar(1));
    return add(g, policyLoss, mul(g, k3, input('klCoefficient')));
  },
};
