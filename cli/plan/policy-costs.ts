/** What the model costs per step and per answer: from its checkpoint on this machine, or from published sizes. */
import { basename } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import type { ArmShape } from '../../contract/model-plan.ts';
import { planModel } from '../../infra/doctor/model.ts';
import { endpointOf } from '../../recipes/arms.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import { evaluatedTasks } from '../../recipes/task-sets.ts';
import { armShapes, longestPrompt } from '../arm-shapes.ts';
import { isLocalCheckpoint, requireCheckpoint } from '../local-checkpoint.ts';
import { userPath } from '../user-path.ts';
import { publishedCosts, publishedModels } from './published-models.ts';

export interface ArmCost {
  readonly promptTokenCount: number;
  /** Per step. */
  readonly flops: { readonly training: number; readonly rollouts: number };
  /** By kind; see docs/memory.md and docs/plan.md. */
  readonly byteLengths: Readonly<Record<string, number>>;
  readonly byteLengthNeeded: number;
  /** Whether it fits the recipe's memory limit. */
  readonly fits: boolean;
  /** A checkpoint and the optimizer's state. */
  readonly snapshotByteLength: number;
  /** On this machine; absent if the model is not here. */
  readonly secondsPerStep?: number;
}

export interface AnswerCost {
  readonly promptTokenCount: number;
  readonly completionTokenCount: number;
  readonly flops: number;
  readonly seconds?: number;
}

export interface PolicyCosts {
  readonly modelType: string;
  readonly parameterCount: number;
  /** Parameters that a token passes through, where that is not all of them. */
  readonly activeParameterCount?: number;
  readonly arms: ReadonlyMap<string, ArmCost>;
  /** One greedy answer of an evaluation. */
  readonly answer: AnswerCost;
  readonly assumptions: readonly string[];
}

export interface CostOptions {
  /** A folder, or the name of a published model, instead of the recipe's policy. */
  readonly model?: string;
  readonly threadCount: number;
  readonly imageEdge: number;
}

/** Undefined if every arm asks an endpoint. Throws USAGE for a model that is neither here nor known by its sizes. */
export async function policyCosts(recipe: Recipe, options: CostOptions): Promise<PolicyCosts | undefined> {
  const { policy } = recipe;
  if (policy === undefined || Object.values(recipe.arms).every((arm) => endpointOf(arm) !== undefined))
    return undefined;
  const named = 'checkpoint' in policy ? policy.checkpoint : policy.config;
  const place = options.model ?? named;
  const path = options.model === undefined ? named : userPath(options.model);
  if (isLocalCheckpoint(path)) return checkpointCosts(recipe, requireCheckpoint(path), options);
  const name = basename(place.replace(/@[^/]*$/, ''));
  const model = publishedModels.get(name);
  if (model === undefined)
    throw new MtrlError('USAGE', 'the sizes of the model are unknown', {
      where: options.model === undefined ? 'policy' : '--model',
      found: `${place}, which is not a folder of this machine`,
      hint: `name a checkpoint's folder with --model (config, tokenizer and templates suffice), or one of ${[...publishedModels.keys()].join(', ')}`,
    });
  return publishedCosts(name, model, { ...shapesOf(recipe), imageEdge: options.imageEdge });
}

interface Shapes {
  readonly arms: readonly ArmShape[];
  /** Answers of an evaluation, as a batch. */
  readonly answers: ArmShape;
}

function shapesOf(recipe: Recipe): Shapes {
  const { tokenCountMax, promptCountPerBatch } = recipe.evaluation;
  const answers: ArmShape = {
    ...{ arm: 'evaluation', loss: 'cross_entropy', withReference: false, trainable: {}, memory: {} },
    // Two answers to a prompt, because one counts as supervised training; the cost of each is that of one alone.
    ...{ promptCount: promptCountPerBatch, groupSize: 2, completionTokenCount: tokenCountMax },
    ...longestPrompt(recipe, evaluatedTasks(recipe)),
  };
  return { arms: armShapes(recipe), answers };
}

async function checkpointCosts(
  recipe: Recipe,
  checkpoint: string,
  { threadCount, imageEdge }: CostOptions,
): Promise<PolicyCosts> {
  const { arms, answers } = shapesOf(recipe);
  const plan = await planModel({ checkpoint, threadCount, imageEdge, arms: [...arms, answers] });
  const costs = plan.arms.slice(0, arms.length).map((planned): [string, ArmCost] => {
    const { arm, promptTokenCount, flops, byteLengths, byteLengthNeeded, fits, secondsPerStep } = planned;
    const { weights = 0, m = 0, v = 0 } = byteLengths;
    return [
      arm,
      {
        ...{ promptTokenCount, byteLengths, byteLengthNeeded, fits, secondsPerStep },
        flops: { training: flops.training, rollouts: flops.rollouts ?? 0 },
        snapshotByteLength: weights + m + v,
      },
    ];
  });
  return {
    modelType: plan.modelType,
    parameterCount: plan.parameterCount,
    arms: new Map(costs),
    answer: answerOf(plan.arms.at(-1), answers),
    assumptions: [
      `prompts have the tokens of the longest template of their tasks, with pictures of ${String(imageEdge)} pixels an edge; fields of rows are not counted`,
      "memory is that of this project's engine, float32 (docs/memory.md)",
    ],
  };
}

function answerOf(
  planned: Awaited<ReturnType<typeof planModel>>['arms'][number] | undefined,
  shape: ArmShape,
): AnswerCost {
  const { promptTokenCount = 0, flops, rolloutSeconds = 0 } = planned ?? {};
  const { rollouts = 0, prompts = 0 } = flops ?? {};
  const { promptCount, groupSize, completionTokenCount } = shape;
  const each = prompts / promptCount + (rollouts - prompts) / (promptCount * groupSize);
  return {
    ...{ promptTokenCount, completionTokenCount, flops: each },
    seconds: rollouts === 0 ? 0 : (rolloutSeconds * each) / rollouts,
  };
}
