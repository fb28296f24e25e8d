/**
 * Our side of a GRPO step on a shape: prompts of words and one image of noise; the reward is the share of odd tokens.
 */
import { Rng } from '../core/rng.ts';
import type { EncodedPrompt, OptimStepRequest, SampledCompletion, TokenRoles, TrainGroup } from '../policy/engine.ts';
import { spawnEmbeddedEngine } from '../policy/engines/embedded/spawn.ts';
import { grpo } from '../policy/algorithms/grpo.ts';
import type { RuntimeSettings } from '../policy/runtime/graph-runner.ts';
import { type Shape, imageOf, imageTokenCountOf, shapes, tokenIds, writeConfig } from './shapes.ts';

export interface Work {
  readonly promptCount: number;
  readonly groupSize: number;
  /** Including the image's tokens. */
  readonly promptTokenCount: number;
  readonly completionTokenCount: number;
  /** Every completion has completionTokenCount tokens: the stop token cannot be sampled. */
  readonly isFixedLength: boolean;
}

/** Tokens of a prompt besides its words: the image's, the two around it, the global one, the two roles and the end. */
const frameTokenCountOf = (shape: Shape): number => imageTokenCountOf(shape) + 6;

const wordCount = 40;

/** 8 prompts x 8 completions of 48 tokens; each prompt has 40 words and an image. */
export const usualWork: Work = {
  promptCount: 8,
  groupSize: 8,
  promptTokenCount: promptTokenCountOf(shapes.tiny),
  completionTokenCount: 48,
  isFixedLength: false,
};

/** Of usual prompts: `tiny` and `small` have equal images. */
export function promptTokenCountOf(shape: Shape): number {
  return wordCount + frameTokenCountOf(shape);
}

/** Number of words of a prompt besides its image. */
export const wordCountOf = (shape: Shape, { promptTokenCount }: Work): number =>
  promptTokenCount - frameTokenCountOf(shape);

/** Those of bench/peers/trl_step.py and trl_text.py. */
export const hyperparameters: OptimStepRequest = {
  learningRate: 1e-4,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  gradientNormMax: 1,
};

export type Rollouts = readonly (readonly SampledCompletion[])[];

/** Log-probs as [group][completion][token]. */
export type LogProbs = readonly (readonly (readonly number[])[])[];

export interface OurStep {
  rollout(): Promise<Rollouts>;
  /** Advantages, gradients, AdamW; returns the log-probs of the same tokens that the update's graph computed. */
  train(rollouts: Rollouts): Promise<LogProbs>;
  /** The same update with every completion as a group of its own: prompts are repeated. */
  trainNaive(rollouts: Rollouts): Promise<LogProbs>;
  close(): Promise<void>;
}

export async function openOurStep(shape: Shape, work: Work, settings: RuntimeSettings): Promise<OurStep> {
  const engine = spawnEmbeddedEngine(settings);
  await engine.initialize(writeConfig(shape), 0);
  const rng = new Rng('bench-prompts', 0);
  const prompts = Array.from({ length: work.promptCount }, () => promptOf(shape, work, rng));
  const tokens: TokenRoles = {
    stopTokenId: tokenIds.stop,
    padTokenId: tokenIds.pad,
    bannedTokenIds: work.isFixedLength ? [tokenIds.image, tokenIds.stop] : [tokenIds.image],
  };
  const groupsOf = (rollouts: Rollouts): readonly TrainGroup[] => {
    const rewards = rollouts.map((group) => group.map(({ tokenIds: ids }) => shareOfOdd(ids)));
    return grpo.groups({ prompts, rollouts, rewards }, {}).groups;
  };
  const update = async (groups: readonly TrainGroup[]): Promise<LogProbs> => {
    const loss = grpo.loss({});
    const { logProbs } = await engine.forwardBackward({ groups, loss, temperature: 1, tokens });
    await engine.optimStep(hyperparameters);
    return logProbs;
  };
  let step = 0;
  return {
    close: () => engine.close(),
    async rollout() {
      const { groups } = await engine.sample({
        prompts,
        groupSize: work.groupSize,
        sampling: { temperature: 1, greedy: false, tokenCountMax: work.completionTokenCount },
        tokens,
        seed: 0,
        step: step++,
        promptOffset: 0,
        promptTokenCountMax: work.promptTokenCount,
      });
      return groups;
    },
    train: (rollouts) => update(groupsOf(rollouts)),
    trainNaive: (rollouts) =>
      update(
        groupsOf(rollouts).flatMap(({ prompt, completions }) =>
          completions.map((completion) => ({ prompt, completions: [completion] })),
        ),
      ),
  };
}

export function promptOf(shape: Shape, work: Work, rng: Rng): EncodedPrompt {
  const { side } = imageOf(shape);
  const { user, aroundImage, globalImage, image, endOfUtterance, assistant, firstWord } = tokenIds;
  const words = Array.from({ length: wordCountOf(shape, work) }, () => rng.integer(firstWord, shape.vocabularySize));
  const images = Array<number>(imageTokenCountOf(shape)).fill(image);
  const data = Float32Array.from({ length: 3 * side * side }, () => 2 * rng.uniform() - 1);
  return {
    tokenIds: [user, aroundImage, globalImage, ...images, aroundImage, ...words, endOfUtterance, assistant],
    images: [{ data, width: side, height: side }],
  };
}

function shareOfOdd(ids: readonly number[]): number {
  return ids.filter((id) => id % 2 === 1).length / Math.max(1, ids.length);
}
