/** Turns a run's request into a complete update: the training data, the loss and the learning rates. */
import { required } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';
import type { TrainableSpec } from '../../policy/engine.ts';
import { learningRateAt } from '../../policy/optimizer/schedule.ts';
import type { GrpoArm, OptimizerSpec, Recipe, SftArm } from '../../recipes/recipe.ts';
import { trainedTasks } from '../../recipes/task-sets.ts';
import type { OptimizeInput } from '../../contract/activities.ts';
import { memoryOf, promptingOf, trainedArm } from '../recipe-access.ts';
import type { AdamSpec, GrpoUpdate, SftStep, SftUpdate, Update } from '../policies/step-record.ts';

/** `planned`: rows of the dataset's examples for a step; supervised steps only. */
export async function planUpdate(
  recipe: Recipe,
  planned: (step: number) => Promise<Uint32Array>,
  input: OptimizeInput,
): Promise<Update> {
  const arm = trainedArm(recipe, input.arm);
  return arm.objective === 'grpo' ? grpoUpdate(recipe, arm, input) : sftUpdate(recipe, arm, planned, input);
}

function grpoUpdate(recipe: Recipe, arm: GrpoArm, input: OptimizeInput): GrpoUpdate {
  const { temperature, clipLow, clipHigh, klCoefficient, logProbToleranceMax, mode } = arm;
  return {
    objective: 'grpo',
    ...commonOf(recipe, arm, input),
    step: input.fromStep,
    learningRate: learningRateAt(arm.optimizer, input.fromStep, input.stepCount ?? arm.stepCount),
    ...{ mode, temperature, clipLow, clipHigh, klCoefficient, logProbToleranceMax },
    rollouts: required(input.rollouts, 'the rollouts of a GRPO step'),
    rewards: required(input.rewards, 'the rewards of a GRPO step'),
    reference: input.reference?.snapshot ?? null,
  };
}

async function sftUpdate(
  recipe: Recipe,
  arm: SftArm,
  planned: (step: number) => Promise<Uint32Array>,
  input: OptimizeInput,
): Promise<SftUpdate> {
  const steps: SftStep[] = [];
  for (let step = input.fromStep; step < input.toStep; step++) {
    const direct = new Rng('direct-share', input.seed, step);
    const learningRate = learningRateAt(arm.optimizer, step, input.stepCount ?? arm.stepCount);
    const examples = Array.from(await planned(step), (row) => {
      const mode = direct.chance(arm.directShare) ? 'direct' : arm.mode;
      return [row, mode] as const;
    });
    steps.push({ step, learningRate, examples });
  }
  return { objective: 'sft', ...commonOf(recipe, arm, input), steps };
}

function commonOf(recipe: Recipe, arm: SftArm | GrpoArm, { dataset, seed }: OptimizeInput) {
  const prompting = promptingOf(recipe, trainedTasks(recipe, arm));
  return { dataset, prompting, adam: adamOf(arm.optimizer), ...trainableOf(arm, seed), ...memoryOf(recipe) };
}

/** Fresh adapters are the run's: another seed draws others. */
function trainableOf({ lora, freeze }: SftArm | GrpoArm, seed: number): { readonly trainable?: TrainableSpec } {
  if (lora === undefined && freeze === undefined) return {};
  return { trainable: { ...(lora && { lora: { ...lora, seed } }), ...(freeze && { freeze }) } };
}

function adamOf(optimizer: OptimizerSpec): AdamSpec {
  const { name, momentum, beta1, beta2, epsilon, weightDecay, gradientNormMax } = optimizer;
  return { beta1, beta2, epsilon, weightDecay, gradientNormMax, ...(name === 'muon' && { muon: { momentum } }) };
}
