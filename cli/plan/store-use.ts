/**
 * S3 requests and bytes of an experiment. The requests of an activity are those of real activities over a counted store
 * (test/cli/plan-store-use.test.ts). Not counted: leases, and what a worker reads once when it starts.
 */
import type { Recipe } from '../../recipes/recipe.ts';
import { longestPrompt } from '../arm-shapes.ts';
import type { ExampleCount } from './example-counts.ts';
import type { RunWork } from './run-work.ts';

/**
 * Look-up of the key, inputs, outputs and manifest. A reward reads the rollouts of every shard; an update reads the
 * rewards, and the rollouts that another worker sampled. A step in one activity has its own rollouts and rewards.
 */
export const activityRequests = {
  ...{ findRun: 1, keepRun: 3, mix: 5, step: 9, rollout: 3, snapshot: 12, averageSnapshots: 12, evaluate: 3 },
  reward: (shardCount: number): number => 3 + shardCount,
  optimize: (shardCount: number): number => 3 + Math.max(1, shardCount),
} as const;

/** prepare, ingest, importPolicy, admit, report and its pages; each was counted for a small recipe. */
const experimentRequestCount = 120;

/** JSON of a token with its log-prob and text, of a rollout's judgment and reward, and of a step record. */
export const tokenByteLength = 42;
export const judgmentByteLength = 160;
export const recordByteLength = 2_500;
/** Fields of a row, as stored. */
const exampleByteLength = 1_000;
const pixelByteLength = 0.3;

export interface RunStoreUse {
  readonly requestCount: number;
  readonly byteLength: number;
}

/**
 * @param work undefined for a run that trains nothing
 * @param run `tasks` are those that the run is evaluated on
 */
export function runStoreUse(
  recipe: Recipe,
  work: RunWork | undefined,
  run: {
    readonly tasks: readonly string[];
    readonly shardCount: number;
    readonly answerCount: number;
    readonly snapshotByteLength: number;
  },
): RunStoreUse {
  const { tasks, shardCount, answerCount, snapshotByteLength } = run;
  const readsPerExample = 1 + longestPrompt(recipe, tasks).imageCount;
  const answers = {
    requestCount: tasks.length * activityRequests.evaluate + answerCount * readsPerExample,
    byteLength: answerCount * (judgmentByteLength + tokenByteLength * recipe.evaluation.tokenCountMax),
  };
  if (work === undefined) return answers;
  const { activities, promptCount, rolloutCount, completionTokenCount } = work;
  const counts = Object.entries(activities) as [keyof typeof activities, number][];
  const own = counts.reduce((sum, [activity, count]) => {
    const each = activityRequests[activity];
    return sum + count * (typeof each === 'number' ? each : each(shardCount));
  }, 0);
  // Every shard encodes all prompts of its step, to pad them alike; a reward reads the rows alone.
  const examplesRead = promptCount * Math.max(1, shardCount) * readsPerExample + (rolloutCount > 0 ? promptCount : 0);
  return {
    requestCount: answers.requestCount + own + examplesRead,
    byteLength:
      answers.byteLength +
      activities.snapshot * snapshotByteLength +
      (activities.step + activities.optimize) * recordByteLength +
      (rolloutCount > 0 ? rolloutCount * judgmentByteLength + completionTokenCount * tokenByteLength : 0),
  };
}

/** The dataset, with each picture once per example. */
export function datasetStoreUse(recipe: Recipe, counts: readonly ExampleCount[], imageEdge: number): RunStoreUse {
  const byteLength = counts.reduce((sum, { task, count }) => {
    const { imageCount } = longestPrompt(recipe, [task]);
    return sum + count * (exampleByteLength + imageCount * pixelByteLength * imageEdge ** 2);
  }, 0);
  return { requestCount: experimentRequestCount, byteLength };
}
