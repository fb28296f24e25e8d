/** Plans which examples each step of a run sees; with a curriculum, one segment at a time from the recorded rewards. */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { Mixture, type PlannedStep } from '../../judge/mixture/mixture.ts';
import { chanceOf, observe, type ObservedGroup } from '../../judge/mixture/curriculum.ts';
import type { MixtureSpec } from '../../recipes/fields/mixture-fields.ts';
import { trainedTasks } from '../../recipes/task-sets.ts';
import type { MixInput, MixResult, MixSegment } from '../../contract/activities.ts';
import { openDataset } from './dataset-artifact.ts';
import type { ControlDeps } from '../deps.ts';
import { durable } from '../durable.ts';
import type { JsonCache } from '../json-cache.ts';
import {
  type MixturePlan,
  storePlanShards,
  storeSuccessRates,
  successRatesOf,
  mixturePlanFormat,
} from './mixture-plan.ts';
import { recipeOf, trainedArm } from '../recipe-access.ts';
import { drawSeed } from '../training/draw-seed.ts';
import { trainingOf } from '../training/objectives/table.ts';
import { type PromptRewards, stepRewardsFormat } from '../training/rollout-artifact.ts';

export function createMix(deps: ControlDeps, cache: JsonCache) {
  return async (input: MixInput): Promise<MixResult> => {
    const { recipe: recipeRef, dataset, arm: name, segment, stepCount } = input;
    const seed = drawSeed(input);
    const recipe = await recipeOf(cache, recipeRef);
    const arm = trainedArm(recipe, name);
    const { curriculum, ...counts } = trainingOf(arm).mixing;
    const fromStep = segment?.fromStep ?? 0;
    const wholeStepCount = stepCount ?? arm.stepCount;
    const config = {
      ...{ tasks: trainedTasks(recipe, arm), seed, fromStep, mixture: arm.mixture, curriculum: curriculum ?? null },
      stepCount: Math.min(curriculum?.replanEveryStepCount ?? wholeStepCount, wholeStepCount - fromStep),
      ...counts,
    };
    const inputs = { dataset, ...(segment && { previous: segment.previous, rewards: segment.rewards }) };
    const { outputs, summary, ...made } = await durable(deps, 'mix', { inputs, config }, async () => {
      const before = segment && (await observed(cache, segment));
      const rates = before?.successRates ?? {};
      const { tasks, stepCount: plannedCount, ...rest } = config;
      const mixture = new Mixture({
        ...rest,
        ...(await drawnFrom(cache, dataset, tasks, arm.mixture)),
        ...(before && { places: before.places }),
        ...(curriculum && { chanceOf: chanceOf(rates, curriculum) }),
      });
      const shards = await storePlanShards(cache, stepsOf(mixture, plannedCount), fromStep);
      const { exampleCountByTask } = mixture;
      const plan: MixturePlan = {
        ...{ schema: 2, fromStep, stepCount: plannedCount, ...counts, shards, exampleCountByTask },
        places: mixture.places,
        ...(curriculum && { successRates: await storeSuccessRates(cache, rates) }),
      };
      return { outputs: { plan: await cache.put(plan) }, summary: { exampleCountByTask } };
    });
    return { ...made, ...outputs, ...summary };
  };
}

/** The training rows of the tasks, and the classes of their labels if these are to be balanced. */
async function drawnFrom(cache: JsonCache, ref: ArtifactRef, tasks: readonly string[], { balance }: MixtureSpec) {
  const dataset = await openDataset(cache, ref);
  const rows = await Promise.all(tasks.map(async (task) => [task, await dataset.rowsOf(task, 'train')] as const));
  return { pools: new Map(rows), ...(balance === 'label' && { classOf: await dataset.classes() }) };
}

function* stepsOf(mixture: Mixture, stepCount: number): Generator<PlannedStep> {
  for (let step = 0; step < stepCount; step++) yield mixture.next();
}

/** Stream positions of the previous plan, and success rates updated with the rewards of its steps. */
async function observed(cache: JsonCache, { previous, rewards }: MixSegment) {
  const plan = await cache.getDocument(previous, mixturePlanFormat);
  const { places } = plan;
  const steps = await Promise.all(
    rewards.map(async (ref: ArtifactRef) => await cache.getDocument(ref, stepRewardsFormat)),
  );
  const groups = steps.flatMap(({ prompts }) => prompts.map(groupOf));
  return { places, successRates: observe(await successRatesOf(cache, plan), groups) };
}

function groupOf({ exampleIndex, rollouts }: PromptRewards): ObservedGroup {
  const right = rollouts.reduce((sum, { reward }) => sum + (reward.closeness ?? reward.accuracy), 0);
  return { exampleIndex, successRate: right / rollouts.length };
}
