/**
 * Search attributes, for filters in the Web UI and in `temporal workflow list --query`. They are registered with the
 * server, and set by workflows and by the clients that start them.
 */
import { defineSearchAttributeKey } from '@temporalio/common';

export const searchAttributes = {
  experiment: defineSearchAttributeKey('MtrlExperiment', 'KEYWORD'),
  arm: defineSearchAttributeKey('MtrlArm', 'KEYWORD'),
  seed: defineSearchAttributeKey('MtrlSeed', 'INT'),
  state: defineSearchAttributeKey('MtrlState', 'KEYWORD'),
  step: defineSearchAttributeKey('MtrlStep', 'INT'),
  macroF1: defineSearchAttributeKey('MtrlMacroF1', 'DOUBLE'),
  recipe: defineSearchAttributeKey('MtrlRecipe', 'KEYWORD'),
  recipeDigest: defineSearchAttributeKey('MtrlRecipeDigest', 'KEYWORD'),
} as const;
