/**
 * RAFT, reward-ranked fine-tuning (arXiv 2304.06767): rejection sampling from the policy itself. Assumes that imitating the
 * own answers whose verdict is right is enough, without learning from the wrong ones.
 *   A_i = 1 if the verdict of rollout i is right, else 0; whatever the rest of its reward
 *   loss = mean over all tokens of the update of -min(ratio A, clip(ratio) A)
 * In the first update of a step, where the ratio is 1, the gradient is that of the cross-entropy of the right rollouts;
 * the clipped ratio of later ones is that of RAFT++ (arXiv 2504.11343).
 */
import { defineAlgorithm } from './algorithm.ts';
import { usualParts } from './parts.ts';

export const raft = defineAlgorithm({
  title: 'RAFT',
  parts: { ...usualParts, advantage: 'right-only' },
  fixed: ['advantage', 'klIn'],
  clipLow: 0.2,
  clipHigh: 0.2,
});
