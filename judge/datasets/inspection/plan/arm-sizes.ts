/** Arms of a size that fits the machine: how many steps, prompts and rollouts. */
import type { RecipeInput } from '../../../../recipes/recipe.ts';

export interface Machine {
  readonly coreCount: number;
  readonly memoryByteLength: number;
}

export interface ArmNeeds {
  /** Training examples of all tasks. */
  readonly exampleCount: number;
  readonly hasPictures: boolean;
  /** Characters of the longest label as an answer says it. */
  readonly labelLength: number;
  /** Whether labels are classes, which steps can draw equally often. */
  readonly hasClasses: boolean;
}

export interface SizedArms {
  readonly arms: RecipeInput['arms'];
  readonly engine?: NonNullable<RecipeInput['engine']>;
  readonly answerTokenCountMax: number;
}

const manyCores = 8;
const gibibyte = 2 ** 30;
/** Below this, a compute process gets a memory limit. */
const amplyMemory = 16 * gibibyte;
const scarceMemory = 8 * gibibyte;
const supervisedBatch = 32;
/** Tokens of the tags around a verdict, with some to spare. */
const tagTokenCount = 10;
const charactersPerToken = 2;

const lora = {
  rank: 16,
  alpha: 32,
  modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
};

const between = (low: number, value: number, high: number): number => Math.min(high, Math.max(low, Math.round(value)));

export function sizedArms(
  { exampleCount, hasPictures, labelLength, hasClasses }: ArmNeeds,
  machine: Machine,
): SizedArms {
  const isLarge = machine.coreCount >= manyCores && machine.memoryByteLength >= amplyMemory;
  const promptCountPerStep = hasPictures && !isLarge ? 4 : isLarge ? 16 : 8;
  const exampleCountPerStep = hasPictures && !isLarge ? 8 : supervisedBatch;
  const stepCountMax = isLarge ? 200 : hasPictures ? 20 : 30;
  const answerTokenCountMax = tagTokenCount + Math.ceil(labelLength / charactersPerToken);
  // Twice over the data, unless that is more than a first try should take.
  const stepsOf = (perStep: number): number => between(4, (2 * exampleCount) / perStep, stepCountMax);
  // A small step with few examples of one label teaches the other.
  const mixture = hasClasses && { mixture: { balance: 'label' as const } };
  const arms: RecipeInput['arms'] = {
    base: { objective: 'none', mode: 'direct' },
    format: {
      ...{ objective: 'sft', mode: 'direct', stepCount: 8, exampleCountPerStep, stepCountPerActivity: 4 },
      ...{ lora, optimizer: { learningRate: 5e-4, warmupStepCount: 2 } },
      ...mixture,
    },
    sft: {
      ...{ objective: 'sft', mode: 'direct', stepCount: stepsOf(exampleCountPerStep), exampleCountPerStep },
      ...{ stepCountPerActivity: 4, lora, optimizer: { learningRate: 5e-4, schedule: 'linear', warmupStepCount: 2 } },
      ...mixture,
    },
    rl: {
      ...{ objective: 'rl', mode: 'direct', from: 'format', stepCount: stepsOf(promptCountPerStep) },
      ...{ promptCountPerStep, groupSize: 8, tokenCountMax: answerTokenCountMax },
      ...{ lora, optimizer: { learningRate: 1e-4, warmupStepCount: 3 } },
      ...mixture,
    },
  };
  const limit = Math.floor(machine.memoryByteLength / 2 / 1e9) * 1e9;
  const engine =
    machine.memoryByteLength >= amplyMemory || limit < 1e9
      ? undefined
      : { memoryByteLengthMax: limit, ...(machine.memoryByteLength < scarceMemory && { recompute: true }) };
  return { arms, ...(engine && { engine }), answerTokenCountMax };
}
