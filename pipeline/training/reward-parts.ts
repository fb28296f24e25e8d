/** The parts of a reward before they are weighted, for algorithms that normalise each by itself. */
import type { Reward } from '../../judge/example.ts';
import type { RewardParts } from '../../policy/algorithms/rollout-batch.ts';

export function rewardParts(reward: Reward): RewardParts {
  const { accuracy, closeness = accuracy, format, agreement, graderScore, overlongPenalty } = reward;
  return {
    ...{ accuracy: closeness, format },
    ...(agreement !== undefined && { agreement }),
    ...(graderScore !== undefined && { grader: graderScore }),
    ...(overlongPenalty !== undefined && { length: -overlongPenalty }),
  };
}
