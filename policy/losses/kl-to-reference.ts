/** Estimates the divergence of a policy from its reference, over the tokens that the policy sampled. */
import type { TrainGroup } from '../engine.ts';

/**
 * Mean over all tokens of the k3 estimate of KL(policy || reference), as in GRPO (arXiv 2402.03300), in nats:
 * r - log r - 1 with r = reference / policy. undefined if no completion has reference log-probs.
 * @param logProbs of the policy, [group][completion][token]
 */
export function klToReference(
  groups: readonly TrainGroup[],
  logProbs: readonly (readonly (readonly number[])[])[],
): number | undefined {
  let sum = 0;
  let tokenCount = 0;
  groups.forEach(({ completions }, g) => {
    completions.forEach(({ referenceLogProbs = [] }, c) => {
      referenceLogProbs.forEach((reference, t) => {
        const logRatio = reference - (logProbs[g]?.[c]?.[t] ?? Number.NaN);
        sum += Math.expm1(logRatio) - logRatio;
        tokenCount++;
      });
    });
  });
  return tokenCount === 0 ? undefined : sum / tokenCount;
}
