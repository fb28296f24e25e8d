/** From what a run asks for to an update that says all of itself: what is trained on, how, and at which learning rates. */
import { required } from '../core/assert.ts';
import { Rng } from '../core/rng.ts';
import { type MixturePlan, stepExamples } from '../judge/mixture.ts';
import type { TrainableSpec } from '../policy/engine.ts';
import { learningRateAt } from '../policy/optimizer/schedule.ts';
import type { GrpoArm, OptimizerSpec, Recipe, SftArm } from '../recipes/recipe.ts';
import { trainedTasks } from '../recipes/task-sets.ts';
import type { OptimizeInput } from './contract.ts';
import { memoryOf, promptingOf, trainedArm } from './recipe-access.ts';
import type { AdamSpec, GrpoUpdate, SftStep, SftUpdate, Update } from './step-record.ts';

export function planUpdate(recipe: Recipe, plan: MixturePlan, input: OptimizeInput): Update {
  const arm = trainedArm(recipe, input.arm);
  return arm.objective === 'grpo' ? grpoUpdate(recipe, arm, input) : sftUpdate(recipe, arm, plan, input);
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

function sftUpdate(recipe: Recipe, arm: SftArm, plan: MixturePlan, input: OptimizeInput): SftUpdate {
  const steps = Array.from({ length: input.toStep - input.fromStep }, (_, i): SftStep => {
    const step = input.fromStep + i;
    const direct = new Rng('direct-share', input.seed, step);
    const learningRate = learningRateAt(arm.optimizer, step, input.stepCount ?? arm.stepCount);
    const examples = stepExamples(plan, step).map((index) => {
      const mode = direct.chance(arm.directShare) ? 'direct' : arm.mode;
      return [index, mode] as const;
    });
    return { step, learningRate, examples };
  });
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
