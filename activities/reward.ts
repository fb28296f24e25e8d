/** Reads and scores a step's rollouts. A bad completion is data: reward 0, with the reason why it could not be read. */
import type { AnswerMode, Example } from '../judge/example.ts';
import { rewardOf } from '../judge/rewards.ts';
import { parseCompletion } from '../judge/tasks/parse.ts';
import { required } from '../core/assert.ts';
import type { RewardInput, RewardResult, TaskReward } from './contract.ts';
import { examplesOf } from './dataset-artifact.ts';
import type { ControlDeps } from './deps.ts';
import { durable } from './durable.ts';
import type { JsonCache } from './json-cache.ts';
import { grpoArm, promptingOf, recipeOf } from './recipe-access.ts';
import type { JudgedRollout, PromptRewards, PromptRollouts, RolloutShard, StepRewards } from './rollout-artifact.ts';
import { trainedTasks } from '../recipes/task-sets.ts';

interface Grading {
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly mode: AnswerMode;
  readonly formatWeight: number;
}

export function createReward(deps: ControlDeps, cache: JsonCache) {
  return async (input: RewardInput): Promise<RewardResult> => {
    const { step, dataset, rollouts } = input;
    const recipe = await recipeOf(cache, input.recipe);
    const arm = grpoArm(recipe, input.arm);
    const { tasks } = promptingOf(recipe, trainedTasks(recipe, arm));
    const labels = Object.fromEntries(Object.entries(tasks).map(([name, task]) => [name, task.labels]));
    const grading: Grading = { labels, mode: arm.mode, formatWeight: arm.formatWeight };
    const key = { inputs: { dataset, rollouts }, config: { ...grading, step } };
    const { outputs, summary, ...made } = await durable(deps, 'reward', key, async () => {
      const [examples, ...shards] = await Promise.all([
        examplesOf(cache, dataset),
        ...rollouts.map((ref) => cache.get(ref) as Promise<RolloutShard>),
      ]);
      const prompts = shards
        .flatMap((shard) => shard.prompts)
        .map((prompt) => gradePrompt(prompt, required(examples[prompt.exampleIndex], prompt.exampleId), grading));
      const rewards: StepRewards = { schema: 1, step, prompts };
      return { outputs: { rewards: await cache.put(rewards) }, summary: summaryOf(prompts) };
    });
    return { ...made, ...outputs, ...summary };
  };
}

function gradePrompt(prompt: PromptRollouts, { label }: Example, grading: Grading): PromptRewards {
  const { exampleIndex, exampleId, task } = prompt;
  const labels = required(grading.labels[task], `labels of task ${task}`);
  const rollouts = prompt.rollouts.map((rollout): JudgedRollout => {
    const judgment = parseCompletion(rollout, labels, grading.mode);
    return { judgment, reward: rewardOf(judgment, label, grading.formatWeight) };
  });
  return { exampleIndex, exampleId, task, label, rollouts };
}

export type RewardSummary = Pick<
  RewardResult,
  'rewardMean' | 'accuracyMean' | 'formatRate' | 'informativeGroupRate' | 'byTask'
>;

export function summaryOf(prompts: readonly PromptRewards[]): RewardSummary {
  const { reward, accuracy, format } = means(prompts);
  const informative = prompts.filter(({ rollouts }) => new Set(rollouts.map((one) => one.reward.value)).size > 1);
  const tasks = [...new Set(prompts.map(({ task }) => task))].sort();
  const byTask = tasks.map((task): TaskReward => ({
    task,
    ...means(prompts.filter((prompt) => prompt.task === task)),
  }));
  return {
    rewardMean: reward,
    accuracyMean: accuracy,
    formatRate: format,
    informativeGroupRate: informative.length / prompts.length,
    byTask,
  };
}

function means(prompts: readonly PromptRewards[]): Omit<TaskReward, 'task'> {
  const rewards = prompts.flatMap(({ rollouts }) => rollouts.map(({ reward }) => reward));
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    rolloutCount: rewards.length,
    reward: mean(rewards.map(({ value }) => value)),
    accuracy: mean(rewards.map(({ accuracy }) => accuracy)),
    format: mean(rewards.map(({ format }) => format)),
  };
}
