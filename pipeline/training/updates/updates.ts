/** What an objective makes of its steps: updates that are planned from a recipe, recorded, and done first or again. */
import type { OptimizeInput } from '../../../contract/activities.ts';
import type { Loss } from '../../../policy/engine.ts';
import type { Recipe, TrainedArm } from '../../../recipes/recipe.ts';
import type { PromptedDataset } from '../../asking/prompter.ts';
import type { Key } from '../../durable.ts';
import type { JsonCache } from '../../json-cache.ts';
import type { Update } from '../../policies/step-record.ts';
import type { ReadySteps } from '../apply-update.ts';

/** Rows of the dataset's examples that a step sees. */
export type PlannedRows = (step: number) => Promise<Uint32Array>;

export interface Updates<A extends TrainedArm, U extends Update> {
  loss(arm: A): Loss;
  /** From what a run asks for to an update that says all of itself. */
  plan(recipe: Recipe, arm: A, input: OptimizeInput, planned: PlannedRows): Promise<U> | U;
  /** Prompts encoded, weights and advantages computed. */
  ready(cache: JsonCache, prompted: PromptedDataset, update: U): Promise<ReadySteps['steps']>;
  /** The refs of the update, and the rest of it. */
  inputs(update: U): Key;
  /** Its steps before `toStep`. */
  firstSteps(update: U, toStep: number): U;
}
