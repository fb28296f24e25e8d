/**
 * GRPO, group-relative policy optimisation (DeepSeekMath, arXiv 2402.03300). Assumes that the mean reward of a prompt's
 * own rollouts is a good baseline, so that no value model is needed.
 *   A_i = (r_i - mean(r)) / (std(r) + 1e-4), over the G rollouts of a prompt, sample standard deviation
 *   loss = mean over all tokens of the update of -min(ratio A, clip(ratio) A) + klCoefficient * k3
 * The paper averages over the tokens of each rollout first; the mean over all tokens is DAPO's (arXiv 2503.14476).
 */
import { defineAlgorithm } from './algorithm.ts';
import { usualParts } from './parts.ts';

export const grpo = defineAlgorithm({
  title: 'GRPO',
  parts: usualParts,
  fixed: [],
  clipLow: 0.2,
  clipHigh: 0.2,
});
