/**
 * GRPO, group-relative policy optimisation (DeepSeekMath, arXiv 2402.03300). Assumes that the mean reward of a prompt's
 * own rollouts is a good baseline, so that no value model is needed.
 *   A_i = (r_i - mean(r)) / (std(r) + 1e-4), over the G rollouts of a prompt, sample standard deviation
 *   loss = mean over all tokens of the step of -min(ratio A, clip(ratio) A) + klCoefficient * k3
 * The paper averages over the tokens of each rollout first; the mean over all tokens is DAPO's (arXiv 2503.14476).
 */
import { defineAlgorithm } from './algorithm.ts';
import { clipFields } from './clip-fields.ts';
import { tokenMean, trainGroups } from './groups.ts';

const deviationEpsilon = 1e-4;

export const grpo = defineAlgorithm({
  title: 'GRPO',
  fields: clipFields,
  groups: (batch, { klCoefficient }) =>
    trainGroups(batch, { advantages, tokenWeight: tokenMean(batch), keepsEqual: klCoefficient > 0 }),
  loss: ({ clipLow, clipHigh, klCoefficient }) => ({ name: 'ppo', clipLow, clipHigh, klCoefficient }),
});

function advantages(rewards: readonly number[]): number[] {
  const mean = rewards.reduce((a, b) => a + b, 0) / rewards.length;
  const variance = rewards.reduce((a, reward) => a + (reward - mean) ** 2, 0) / (rewards.length - 1);
  return rewards.map((reward) => (reward - mean) / (Math.sqrt(variance) + deviationEpsilon));
}
