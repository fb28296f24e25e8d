/** Which examples each step of a run sees; under a curriculum segment by segment, from the rewards that were recorded. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import { type MixturePlan, planMixture } from '../judge/mixture.ts';
import { chanceOf, observe, type ObservedGroup, type SuccessRates } from '../judge/mixture/curriculum.ts';
import type { GrpoArm, SftArm } from '../recipes/recipe.ts';
import { trainedTasks } from '../recipes/task-sets.ts';
import type { MixInput, MixResult, MixSegment } from './contract.ts';
import { examplesOf } from './dataset-artifact.ts';
import type { ControlDeps } from './deps.ts';
import { durable } from './durable.ts';
import type { JsonCache } from './json-cache.ts';
import { recipeOf, trainedArm } from './recipe-access.ts';
import type { PromptRewards, StepRewards } from './rollout-artifact.ts';

/** The output of a mix activity. */
interface StoredPlan extends MixturePlan {
  /** Curriculum: what it is planned by. */
  readonly successRates?: SuccessRates;
}

export function createMix(deps: ControlDeps, cache: JsonCache) {
  return async ({ recipe: recipeRef, dataset, arm: name, seed, segment, stepCount }: MixInput): Promise<MixResult> => {
    const recipe = await recipeOf(cache, recipeRef);
    const arm = trainedArm(recipe, name);
    const curriculum = curriculumOf(arm);
    const fromStep = segment?.fromStep ?? 0;
    const wholeStepCount = stepCount ?? arm.stepCount;
    const config = {
      ...{ tasks: trainedTasks(recipe, arm), seed, fromStep, mixture: arm.mixture, curriculum: curriculum ?? null },
      stepCount: Math.min(curriculum?.replanEveryStepCount ?? wholeStepCount, wholeStepCount - fromStep),
      ...countsOf(arm),
    };
    const inputs = { dataset, ...(segment && { previous: segment.previous, rewards: segment.rewards }) };
    const { outputs, summary, ...made } = await durable(deps, 'mix', { inputs, config }, async () => {
      const before = segment && (await observed(cache, segment));
      const request = {
        ...config,
        examples: await examplesOf(cache, dataset),
        ...(before && { places: before.places }),
      };
      const rates = before?.successRates ?? {};
      const plan = planMixture({ ...request, ...(curriculum && { chanceOf: chanceOf(rates, curriculum) }) });
      const stored: StoredPlan = curriculum ? { ...plan, successRates: rates } : plan;
      return { outputs: { plan: await cache.put(stored) }, summary: { exampleCountByTask: plan.exampleCountByTask } };
    });
    return { ...made, ...outputs, ...summary };
  };
}

function curriculumOf(arm: SftArm | GrpoArm): GrpoArm['curriculum'] {
  return arm.objective === 'grpo' ? arm.curriculum : undefined;
}

function countsOf(arm: SftArm | GrpoArm) {
  if (arm.objective === 'sft') return { exampleCountPerStep: arm.exampleCountPerStep, reserveCountPerStep: 0 };
  const furtherRoundCount = (arm.resampling?.roundCountMax ?? 1) - 1;
  return {
    exampleCountPerStep: arm.promptCountPerStep,
    reserveCountPerStep: arm.promptCountPerStep * furtherRoundCount,
  };
}

/** The plan before, with what its steps have shown. */
async function observed(cache: JsonCache, { previous, rewards }: MixSegment) {
  const { places, successRates = {} } = (await cache.get(previous)) as StoredPlan;
  const steps = await Promise.all(rewards.map(async (ref: ArtifactRef) => (await cache.get(ref)) as StepRewards));
  const groups = steps.flatMap(({ prompts }) => prompts.map(groupOf));
  return { places, successRates: observe(successRates, groups) };
}

function groupOf({ exampleIndex, rollouts }: PromptRewards): ObservedGroup {
  const right = rollouts.reduce((sum, { reward }) => sum + (reward.closeness ?? reward.accuracy), 0);
  return { exampleIndex, successRate: right / rollouts.length };
}
