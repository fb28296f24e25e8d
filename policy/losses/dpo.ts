/**
 * The loss of direct preference optimisation (DPO, arXiv 2305.18290): a group is a pair, one completion better than the
 * other.
 */
import { add, detach, exp, log, matMul, max, mul, neg, reshape, sub } from '../graph/build.ts';
import type { Graph, Value } from '../graph/ir.ts';
import type { LossUnit } from './loss.ts';

/**
 * sum of tokenWeight * -log sigmoid(beta * margin), where margin is the sum over all tokens of the token's pair of
 * advantage * (logp - reference logp): the advantage is 1 in the better completion and -1 in the other. The value is
 * that of a pair if the weights of the pair's tokens sum to 1.
 */
export interface DpoLoss {
  readonly name: 'dpo';
  readonly beta: number;
}

export const dpo: LossUnit<DpoLoss> = {
  name: 'dpo',
  usesReference: () => true,
  inputs: () => ({
    signs: { perToken: ({ advantage = 0 }) => advantage },
    referenceLogProbs: { perToken: ({ referenceLogProbs = [] }) => referenceLogProbs },
    beta: { scalar: ({ beta }) => beta },
    pairs: { membership: 'group' },
  }),
  tokenLoss(g, logProbs, input) {
    const pairs = input('pairs');
    const changes = mul(g, sub(g, logProbs, input('referenceLogProbs')), input('signs'));
    const margins = mul(g, matMul(g, pairs, reshape(g, changes, ['N', 1])), input('beta'));
    const losses = softplus(g, neg(g, margins));
    return reshape(g, matMul(g, reshape(g, losses, [1, 'B']), pairs), ['N']);
  },
};

/** log(1 + exp(x)), without overflow. The ceiling cancels out, and needs no gradient. */
function softplus(g: Graph, x: Value): Value {
  const ceiling = detach(g, max(g, x, g.scalar(0)));
  return add(g, ceiling, log(g, add(g, exp(g, neg(g, ceiling)), exp(g, sub(g, x, ceiling)))));
}
