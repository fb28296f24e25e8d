/**
 * Dr. GRPO, GRPO done right (arXiv 2503.20783). Assumes that GRPO's two divisors are biases: by the standard deviation,
 * which favours prompts that are nearly always or never solved, and by the length of a rollout, which favours long wrong
 * answers.
 *   A_i = r_i - mean(r), over the G rollouts of a prompt
 *   loss = sum over all tokens of the update of -min(ratio A, clip(ratio) A) / (rollouts * tokenCountMax)
 */
import { defineAlgorithm } from './algorithm.ts';
import { usualParts } from './parts.ts';

export const drGrpo = defineAlgorithm({
  title: 'Dr. GRPO',
  parts: { ...usualParts, advantage: 'group-mean', weights: 'fixed-length' },
  fixed: ['advantage', 'weights'],
  clipLow: 0.2,
  clipHigh: 0.2,
});
