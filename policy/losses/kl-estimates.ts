/**
 * Estimates of how far two policies are apart: means over sampled tokens of the k3 estimate of KL(p || q), in nats,
 * r - log r - 1 with r = q / p of a token that p sampled. It has no bias, and is negative for no token (Schulman 2020,
 * Approximating KL Divergence).
 */
import type { TrainGroup } from '../engine.ts';

/** Natural log, [group][completion][token]. */
type GroupLogProbs = readonly (readonly (readonly number[])[])[];

/**
 * KL(policy || reference), as in GRPO (arXiv 2402.03300). undefined if no completion has reference log-probs.
 * @param policy its log-probs
 */
export function klToReference(groups: readonly TrainGroup[], policy: GroupLogProbs): number | undefined {
  const reference = groups.map(({ completions }) => completions.map(({ referenceLogProbs = [] }) => referenceLogProbs));
  return k3Mean(policy, reference);
}

/**
 * KL(sampler || trainer) at the same weights: 0 if both compute the same probabilities. undefined if no completion has
 * log-probs of the sampler.
 * @param trainer its log-probs
 */
export function klToTrainer(groups: readonly TrainGroup[], trainer: GroupLogProbs): number | undefined {
  const sampler = groups.map(({ completions }) => completions.map(({ logProbs = [] }) => logProbs));
  return k3Mean(sampler, trainer);
}

/** Over the completions that both have tokens of; undefined if there are none. */
function k3Mean(p: GroupLogProbs, q: GroupLogProbs): number | undefined {
  let sum = 0;
  let tokenCount = 0;
  p.forEach((completions, g) => {
    completions.forEach((tokens, c) => {
      const others = q[g]?.[c] ?? [];
      if (others.length === 0) return;
      tokens.forEach((logProb, t) => {
        const logRatio = (others[t] ?? Number.NaN) - logProb;
        sum += Math.expm1(logRatio) - logRatio;
        tokenCount++;
      });
    });
  });
  return tokenCount === 0 ? undefined : sum / tokenCount;
}
