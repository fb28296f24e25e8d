/**
 * DPO, direct preference optimisation (arXiv 2305.18290), as a baseline: on pairs of the policy's own rollouts, sampled
 * anew in every step (online DPO, arXiv 2402.04792). Assumes that one answer being better than another is all that a
 * reward can say, so that neither its size nor the other rollouts of the prompt matter.
 *   pair = of a prompt's rollouts the best and the worst, by the verdict's closeness to the label and then by reward
 *   loss = mean over the pairs of the update of -log sigmoid(beta * (d_better - d_worse)),
 *   d = sum over the tokens of a rollout of log p - log reference
 * The reference is the policy that the run starts from. A prompt whose verdicts are all equally close has no pair. It has
 * no ratios, so nothing is clipped, and it is not made of the parts of the others.
 */
import { z } from 'zod';
import { required } from '../../core/assert.ts';
import type { TrainCompletion, TrainGroup } from '../engine.ts';
import type { Algorithm } from './algorithm.ts';
import { spreadMin } from './in-group.ts';
import type { RolloutBatch } from './rollout-batch.ts';

const fields = {
  beta: z
    .number()
    .positive()
    .default(0.1)
    .describe("How strongly the policy is held to the arm's initial policy: a small value lets it go farther."),
};
const schema = z.object(fields);

export const dpo: Algorithm<typeof fields> = {
  title: 'DPO',
  fields,
  settings: (of) => schema.parse(of),
  needs: () => ({ reference: true, trainer: false }),
  usesReference: () => true,
  groups(batch, _of, chosen = batch.prompts.map((_, index) => index)) {
    const pairs = chosen.flatMap((prompt) => pairOf(batch, prompt) ?? []);
    const groups = pairs.map((pair) => groupOf(batch, pair, pairs.length));
    return { groups, droppedGroupCount: chosen.length - groups.length };
  },
  loss: (of) => ({ name: 'dpo', beta: schema.parse(of).beta }),
};

/** Indices: of the prompt, and of two of its rollouts. */
interface Pair {
  readonly prompt: number;
  readonly better: number;
  readonly worse: number;
}

/** Of equally good rollouts, the first. */
function pairOf({ rewards, rewardParts }: RolloutBatch, prompt: number): Pair | undefined {
  const ranked = required(rewards[prompt], 'the rewards of a prompt')
    .map((reward, index) => ({ index, reward, closeness: rewardParts?.[prompt]?.[index]?.accuracy ?? reward }))
    .sort((a, b) => b.closeness - a.closeness || b.reward - a.reward);
  const better = required(ranked[0], 'a rollout');
  const last = required(ranked.at(-1), 'a rollout');
  const worse = required(
    ranked.find(({ closeness, reward }) => closeness === last.closeness && reward === last.reward),
    'a rollout',
  );
  if (better.closeness - worse.closeness < spreadMin) return undefined;
  return { prompt, better: better.index, worse: worse.index };
}

function groupOf(batch: RolloutBatch, { prompt, better, worse }: Pair, pairCount: number): TrainGroup {
  const weight = (batch.advantageWeights?.[prompt] ?? 1) / pairCount;
  const signed = [
    [better, 1],
    [worse, -1],
  ] as const;
  const rollouts = signed.map(([index, advantage]) => {
    const rollout = required(batch.rollouts[prompt]?.[index], 'a rollout');
    return { rollout, advantage, reference: batch.referenceLogProbs?.[prompt]?.[index] };
  });
  const tokenCount = rollouts.reduce((sum, { rollout }) => sum + rollout.tokenIds.length, 0);
  const completions = rollouts.map(({ rollout, advantage, reference }): TrainCompletion => {
    const { tokenIds, logProbs, keptTokenIds } = rollout;
    const referenceLogProbs = required(reference, 'log-probs of the reference policy');
    return {
      ...{ tokenIds, tokenWeight: weight / tokenCount, advantage, logProbs, referenceLogProbs },
      ...(keptTokenIds && { keptTokenIds }),
    };
  });
  return { prompt: required(batch.prompts[prompt], 'a prompt'), completions };
}
