/** What updates of all objectives say alike: what is trained on, how prompts are made of it, and what learns by which optimizer. */
import type { OptimizeInput } from '../../../contract/activities.ts';
import type { TrainableSpec } from '../../../policy/engine.ts';
import type { OptimizerSpec, Recipe, TrainedArm } from '../../../recipes/recipe.ts';
import { trainedTasks } from '../../../recipes/task-sets.ts';
import type { AdamSpec } from '../../policies/step-record.ts';
import { memoryOf, promptingOf } from '../../recipe-access.ts';

/** Prompts that are encoded side by side. */
export const encodingCountMax = 8;

export function commonOf(recipe: Recipe, arm: TrainedArm, { dataset, seed }: OptimizeInput) {
  const prompting = promptingOf(recipe, trainedTasks(recipe, arm));
  return { dataset, prompting, adam: adamOf(arm.optimizer), ...trainableOf(arm, seed), ...memoryOf(recipe) };
}

/** Fresh adapters are the run's: another seed draws others. */
function trainableOf({ lora, freeze }: TrainedArm, seed: number): { readonly trainable?: TrainableSpec } {
  if (lora === undefined && freeze === undefined) return {};
  return { trainable: { ...(lora && { lora: { ...lora, seed } }), ...(freeze && { freeze }) } };
}

function adamOf(optimizer: OptimizerSpec): AdamSpec {
  const { name, momentum, beta1, beta2, epsilon, weightDecay, gradientNormMax } = optimizer;
  return { beta1, beta2, epsilon, weightDecay, gradientNormMax, ...(name === 'muon' && { muon: { momentum } }) };
}
