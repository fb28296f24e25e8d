/**
 * What an algorithm of reinforcement learning is: how rollouts and their rewards become an update. One file an
 * algorithm, listed in table.ts; recipes take its fields, the pipeline its groups and its loss.
 */
import { z } from 'zod';
import type { Loss, Prompt, SampledCompletion, TrainGroup } from '../engine.ts';

/** All rollouts of a step. */
export interface RolloutBatch {
  /** B prompts. */
  readonly prompts: readonly Prompt[];
  /** [prompt][rollout], G of each prompt. */
  readonly rollouts: readonly (readonly SampledCompletion[])[];
  /** [prompt][rollout]. */
  readonly rewards: readonly (readonly number[])[];
  /** [prompt], factors on the advantages: those of the tasks. All 1 when left out. */
  readonly advantageWeights?: readonly number[];
}

/** What an update trains on. */
export interface RolloutGroups {
  readonly groups: readonly TrainGroup[];
  /** Groups of the batch that teach nothing and are left out. */
  readonly droppedGroupCount: number;
}

/** `F`: its fields in a recipe's arm, beside those that all rl arms have. */
export interface Algorithm<F extends z.ZodRawShape = z.ZodRawShape> {
  /** As papers call it. */
  readonly title: string;
  readonly fields: F;
  /** Its own fields of an arm, or of a step record. */
  settings(of: object): Readonly<Record<string, unknown>>;
  /** `of`: what has its settings among other fields. */
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
