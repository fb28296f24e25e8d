/** Parses and scores a step's rollouts. An unparsable completion is data, not an error: its reward has the reason. */
import { asJson } from '../../artifacts/codecs/json-value.ts';
import { digestOf } from '../../core/json.ts';
import { trainedTasks } from '../../recipes/task-sets.ts';
import type {
  CommonVerdict,
  RewardInput,
  RewardPartMeans,
  RewardResult,
  TaskReward,
} from '../../contract/activities.ts';
import { exampleLookup, openDataset } from '../data/dataset-artifact.ts';
import type { ControlDeps } from '../deps.ts';
import { durable } from '../durable.ts';
import { type AskGrader, type Grading, gradePrompts } from './grade.ts';
import { graderScores } from './grader.ts';
import type { JsonCache } from '../json-cache.ts';
import { rlArm, promptingOf, recipeOf } from '../recipe-access.ts';
import { type PromptRewards, type StepRewards, rolloutShardFormat } from './rollout-artifact.ts';
import type { Caller } from '../heartbeat.ts';

export function createReward(deps: ControlDeps, cache: JsonCache) {
  return async (input: RewardInput, { cancellationSignal }: Caller): Promise<RewardResult> => {
    const { step, dataset, rollouts } = input;
    const recipe = await recipeOf(cache, input.recipe);
    const arm = rlArm(recipe, input.arm);
    const { tasks } = promptingOf(recipe, trainedTasks(recipe, arm));
    const { mode, formatWeight, reward, tokenCountMax } = arm;
    const grading: Grading = { tasks, mode, formatWeight, reward, tokenCountMax };
    const key = { inputs: { dataset, rollouts }, config: { ...grading, reward: settingsOf(reward), step } };
    const { outputs, summary, ...made } = await durable(deps, 'reward', key, async () => {
      const shards = await Promise.all(rollouts.map((ref) => cache.getDocument(ref, rolloutShardFormat)));
      const sampled = shards.flatMap((shard) => shard.prompts);
      const exampleAt = await exampleLookup(
        await openDataset(cache, dataset),
        sampled.map(({ exampleIndex }) => exampleIndex),
      );
      const prompts = await gradePrompts(sampled, exampleAt, grading, keptGrader(deps, cancellationSignal));
      const rewards: StepRewards = { schema: 1, step, prompts };
      return { outputs: { rewards: await cache.put(rewards) }, summary: summaryOf(prompts) };
    });
    return { ...made, ...outputs, ...summary };
  };
}

/** The reward settings that affect rewards: of the grader its URL and weight, not its timeout or concurrency. */
function settingsOf({ grader, ...rest }: Grading['reward']) {
  return { ...rest, ...(grader && { grader: { url: grader.url, weight: grader.weight } }) };
}

/** Stores the scores of each request, so that an attempt after a failure asks only for the others. */
function keptGrader(deps: ControlDeps, signal: AbortSignal): AskGrader {
  return (items, grader) =>
    graderScores(items, grader, {
      signal,
      kept: async (batch, ask) => {
        const config = { url: grader.url, items: digestOf(asJson(batch)) };
        const made = await durable(deps, 'grades', { inputs: {}, config }, async () => ({
          outputs: {},
          summary: { scores: await ask() },
        }));
        return made.summary.scores;
      },
    });
}

export type RewardSummary = Pick<
  RewardResult,
  | 'rewardMean'
  | 'accuracyMean'
  | 'formatRate'
  | 'informativeGroupRate'
  | 'informativeGroupCount'
  | 'groupCount'
  | 'byTask'
  | 'partMeans'
>;

export function summaryOf(prompts: readonly PromptRewards[]): RewardSummary {
  const { reward, accuracy, format } = means(prompts);
  const informative = prompts.filter(({ rollouts }) => new Set(rollouts.map((one) => one.reward.value)).size > 1);
  const tasks = [...new Set(prompts.map(({ task }) => task))].sort();
  const byTask = tasks.map((task): TaskReward => {
    const own = prompts.filter((prompt) => prompt.task === task);
    const common = commonVerdict(own);
    return { task, ...means(own), ...onlyVerdict(own), ...(common && { commonVerdict: common }) };
  });
  return {
    rewardMean: reward,
    accuracyMean: accuracy,
    formatRate: format,
    informativeGroupRate: informative.length / prompts.length,
    informativeGroupCount: informative.length,
    groupCount: prompts.length,
    byTask,
    ...partMeansOf(prompts),
  };
}

function partMeansOf(prompts: readonly PromptRewards[]): { readonly partMeans?: RewardPartMeans } {
  const rewards = prompts.flatMap(({ rollouts }) => rollouts.map(({ reward }) => reward));
  const parts = ['closeness', 'agreement', 'graderScore', 'overlongPenalty'] as const;
  const partMeans = Object.fromEntries(
    parts.flatMap((part) => {
      const values = rewards.flatMap((reward) => reward[part] ?? []);
      return values.length === 0 ? [] : [[part, meanOf(values)]];
    }),
  );
  return Object.keys(partMeans).length === 0 ? {} : { partMeans };
}

/** With a few rollouts, equal verdicts may be chance: workflows/training/collapse.ts waits for several steps. */
function onlyVerdict(prompts: readonly PromptRewards[]): Pick<TaskReward, 'onlyVerdict'> {
  const judgments = prompts.flatMap(({ rollouts }) => rollouts.map(({ judgment }) => judgment));
  const verdicts = judgments.flatMap((judgment) => (judgment.ok ? [judgment.verdict] : []));
  const [verdict, ...others] = new Set(verdicts);
  const isAsked = new Set(prompts.map(({ label }) => label)).size > 1;
  const isRead = 2 * verdicts.length > judgments.length;
  return verdict !== undefined && others.length === 0 && isAsked && isRead ? { onlyVerdict: verdict } : {};
}

/** Of equally frequent verdicts, the first in the order of the rollouts. */
function commonVerdict(prompts: readonly PromptRewards[]): CommonVerdict | undefined {
  const { verdicts, labels } = verdictCounts(prompts);
  const [verdict, count] = [...verdicts].reduce<readonly [string, number]>(
    (most, one) => (one[1] > most[1] ? one : most),
    ['', 0],
  );
  if (count === 0) return undefined;
  const share = (counts: ReadonlyMap<string, number>): number =>
    (counts.get(verdict) ?? 0) / [...counts.values()].reduce((sum, each) => sum + each, 0);
  return { verdict, verdictRate: share(verdicts), labelRate: share(labels) };
}

/** Number of rollouts by verdict, of those that could be read, and by label. */
export function verdictCounts(prompts: readonly PromptRewards[]) {
  const [verdicts, labels] = [new Map<string, number>(), new Map<string, number>()];
  const add = (counts: Map<string, number>, key: string): void => {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  for (const { label, rollouts } of prompts) {
    for (const { judgment } of rollouts) {
      add(labels, label);
      if (judgment.ok) add(verdicts, judgment.verdict);
    }
  }
  return { verdicts, labels };
}

function means(prompts: readonly PromptRewards[]): Omit<TaskReward, 'task' | 'onlyVerdict' | 'commonVerdict'> {
  const rewards = prompts.flatMap(({ rollouts }) => rollouts.map(({ reward }) => reward));
  return {
    groupCount: prompts.length,
    rolloutCount: rewards.length,
    reward: meanOf(rewards.map(({ value }) => value)),
    accuracy: meanOf(rewards.map(({ accuracy }) => accuracy)),
    format: meanOf(rewards.map(({ format }) => format)),
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
