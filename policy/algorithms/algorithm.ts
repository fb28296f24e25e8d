/**
 * Interface of a reinforcement learning algorithm: how rollouts and their rewards become an update. Each algorithm is a
 * file listed in table.ts. Recipes use its fields; the pipeline uses its groups and its loss.
 */
import { z } from 'zod';
import type { Loss, Prompt, SampledCompletion, TrainGroup } from '../engine.ts';

/** All rollouts of a step. */
export interface RolloutBatch {
  /** B prompts. */
  readonly prompts: readonly Prompt[];
  /** [prompt][rollout], G per prompt. */
  readonly rollouts: readonly (readonly SampledCompletion[])[];
  /** [prompt][rollout]. */
  readonly rewards: readonly (readonly number[])[];
  /** [prompt]: factor on the advantages, from the prompt's task. Default: 1. */
  readonly advantageWeights?: readonly number[];
}

/** Training data of an update. */
export interface RolloutGroups {
  readonly groups: readonly TrainGroup[];
  /** Groups of the batch that are left out because all their advantages are 0. */
  readonly droppedGroupCount: number;
}

/** An algorithm. `F`: its fields in a recipe's arm, in addition to those of every rl arm. */
export interface Algorithm<F extends z.ZodRawShape = z.ZodRawShape> {
  /** Name used in papers. */
  readonly title: string;
  readonly fields: F;
  /** Returns the algorithm's own fields of an arm or of a step record. */
  settings(of: object): Readonly<Record<string, unknown>>;
  /** Returns the groups to train on. `of`: an object that contains the settings among other fields. */
  groups(batch: RolloutBatch, of: object): RolloutGroups;
  loss(of: object): Loss;
}

interface Definition<F extends z.ZodRawShape> {
  readonly title: string;
  readonly fields: F;
  readonly groups: (batch: RolloutBatch, settings: z.infer<z.ZodObject<F>>) => RolloutGroups;
  readonly loss: (settings: z.infer<z.ZodObject<F>>) => Loss;
}

export function defineAlgorithm<F extends z.ZodRawShape>(definition: Definition<F>): Algorithm<F> {
  const { title, fields } = definition;
  const schema = z.object(fields);
  return {
    title,
    fields,
    settings: (of) => schema.parse(of),
    groups: (batch, of) => definition.groups(batch, schema.parse(of)),
    loss: (of) => definition.loss(schema.parse(of)),
  };
}
