/** The updates of an objective: planned from a recipe, recorded, and applied or replayed. */
import type { OptimizeInput } from '../../../contract/optimize.ts';
import type { Loss } from '../../../policy/engine.ts';
import type { Recipe, TrainedArm } from '../../../recipes/recipe.ts';
import type { PromptedDataset } from '../../asking/prompts/prompter.ts';
import type { Key } from '../../durable.ts';
import type { JsonCache } from '../../json-cache.ts';
import type { Update } from '../../policies/step-record.ts';
import type { ReadySteps } from '../apply-update.ts';

/** Returns the dataset rows that a step sees. */
export type PlannedRows = (step: number) => Promise<Uint32Array>;

export interface Updates<A extends TrainedArm, U extends Update> {
  loss(arm: A): Loss;
  /** Whether updates need log-probs of the run's initial policy. */
  usesReference(arm: A): boolean;
  /** Makes a complete update from a run's request. */
  plan(recipe: Recipe, arm: A, input: OptimizeInput, planned: PlannedRows): Promise<U> | U;
  /** Encodes prompts, and computes weights and advantages. */
  ready(cache: JsonCache, prompted: PromptedDataset, update: U): Promise<ReadySteps['steps']>;
  /** The refs of the update as inputs, the rest of it as configuration. */
  inputs(update: U): Key;
  /** The update with only its steps before `toStep`. */
  firstSteps(update: U, toStep: number): U;
}
