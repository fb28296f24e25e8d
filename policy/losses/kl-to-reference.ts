/** How far a policy has gone from its reference, from the tokens that it sampled. */
import type { TrainGroup } from '../engine.ts';

/**
 * Mean over all tokens of the k3 estimate of KL(policy || reference), as GRPO has it (arXiv 2402.03300), in nats:
 * r - log r - 1 with r = reference / policy. `logProbs` are the policy's, [group][completion][token]; undefined where
 * no completion has reference log-probs.
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
