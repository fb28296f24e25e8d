/**
 * Interface of a reinforcement learning algorithm: how rollouts and their rewards become updates. Each algorithm is a
 * file listed in table.ts. Nearly all consist of parts (parts.ts), which a recipe may override. Recipes use its fields;
 * the pipeline uses its groups and its loss.
 */
import { z } from 'zod';
import type { Loss } from '../engine.ts';
import { type CorrectionStatistics, correctionStatistics } from './corrections.ts';
import { trainGroups } from './groups.ts';
import { lossOfParts } from './loss-of-parts.ts';
import { type AlgorithmFields, fieldsOf, type PartName, type Parts, partsOf } from './parts.ts';
import type { RolloutBatch, RolloutGroups } from './rollout-batch.ts';

/** Log-probs that the engine must compute before the step's first update, because advantages or weights need them. */
export interface StartNeeds {
  readonly reference: boolean;
  readonly trainer: boolean;
}

export interface Algorithm<F extends z.ZodRawShape = z.ZodRawShape> {
  /** Name used in papers. */
  readonly title: string;
  /** Its fields in a recipe's arm, in addition to those of every rl arm. */
  readonly fields: F;
  /** Returns the algorithm's own fields of an arm or of a step record. */
  settings(of: object): Readonly<Record<string, unknown>>;
  needs(of: object): StartNeeds;
  /** Whether updates compare with the reference policy, as a KL term does. */
  usesReference(of: object): boolean;
  /**
   * Returns the groups to train on. Advantages are those of the whole batch.
   * @param of an object that contains the settings among other fields
   * @param chosen indices of the update's prompts. Default: all.
   */
  groups(batch: RolloutBatch, of: object, chosen?: readonly number[]): RolloutGroups;
  loss(of: object): Loss;
  /** What its correction does to the rollouts of a step, from `trainerLogProbs`; absent if it has none. */
  correction?(batch: RolloutBatch, of: object): CorrectionStatistics | undefined;
}

export interface PartsAlgorithm extends Algorithm<AlgorithmFields> {
  /** The parts in use: the algorithm's own, with the overrides in `of`: an arm or a step record. */
  parts(of: object): Parts;
}

interface Definition {
  readonly title: string;
  readonly parts: Parts;
  /** Parts that make the algorithm what it is: a recipe cannot override them. */
  readonly fixed: readonly PartName[];
  readonly clipLow: number;
  readonly clipHigh: number;
}

export function defineAlgorithm(definition: Definition): PartsAlgorithm {
  const { title, parts: own, fixed, ...clip } = definition;
  const fields = fieldsOf(own, fixed, clip);
  const schema = z.object(fields);
  const read = (of: object) => {
    const settings = schema.parse(of);
    const { tokenCountMax } = of as { readonly tokenCountMax?: number };
    return { parts: partsOf(own, settings), settings, tokenCountMax };
  };
  return {
    title,
    fields,
    parts: (of) => read(of).parts,
    settings(of) {
      const { parts, settings, tokenCountMax } = read(of);
      return { ...settings, ...(parts.weights === 'fixed-length' && { tokenCountMax }) };
    },
    needs(of) {
      const { parts, settings } = read(of);
      return {
        reference: settings.klCoefficient > 0 && parts.klIn === 'reward',
        trainer: parts.correction !== 'none',
      };
    },
    usesReference: (of) => read(of).settings.klCoefficient > 0,
    groups(batch, of, chosen) {
      const { parts, settings, tokenCountMax } = read(of);
      return trainGroups(batch, { ...settings, parts, tokenCountMax }, chosen);
    },
    loss(of) {
      const { parts, settings } = read(of);
      return lossOfParts(parts, settings);
    },
    correction(batch, of) {
      const { parts, settings } = read(of);
      const { trainerLogProbs } = batch;
      return trainerLogProbs && correctionStatistics(parts.correction, batch, trainerLogProbs, settings);
    },
  };
}
