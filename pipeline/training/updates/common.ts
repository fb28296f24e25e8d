/**
 * The fields that updates of all objectives share: dataset, prompting, optimizer, trainable weights and memory
 * settings.
 */
import type { OptimizeInput } from '../../../contract/optimize.ts';
import type { TrainableSpec } from '../../../policy/engine.ts';
import type { OptimizerSpec, Recipe, TrainedArm } from '../../../recipes/recipe.ts';
import { trainedTasks } from '../../../recipes/task-sets.ts';
import type { AdamSpec } from '../../policies/step-record.ts';
import { augmentationOf, loraOf, memoryOf, promptingOf } from '../../recipe-access.ts';
import { drawSeed } from '../draw-seed.ts';
import { guardsOf } from './guards.ts';

/** Prompts encoded concurrently. */
export const encodingCountMax = 8;

export function commonOf(recipe: Recipe, arm: TrainedArm, input: OptimizeInput) {
  const { dataset, seed } = input;
  const prompting = promptingOf(recipe, trainedTasks(recipe, arm));
  const adam = adamOf(arm.optimizer);
  return {
    dataset,
    prompting,
    adam,
    ...augmentationOf(arm, drawSeed(input)),
    ...trainableOf(recipe, arm, seed),
    ...memoryOf(recipe),
    ...guardsOf(arm),
  };
}

/** New adapters are initialized by the run's seed. */
function trainableOf(recipe: Recipe, arm: TrainedArm, seed: number): { readonly trainable?: TrainableSpec } {
  const { freeze } = arm;
  const lora = loraOf(recipe, arm);
  if (lora === undefined && freeze === undefined) return {};
  return { trainable: { ...(lora && { lora: { ...lora, seed } }), ...(freeze && { freeze }) } };
}

function adamOf(optimizer: OptimizerSpec): AdamSpec {
  const { name, momentum, beta1, beta2, epsilon, weightDecay, gradientNormMax } = optimizer;
  return { beta1, beta2, epsilon, weightDecay, gradientNormMax, ...(name === 'muon' && { muon: { momentum } }) };
}
