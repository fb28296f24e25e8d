/** What the Web UI and `temporal workflow list --query` can filter by. An upsert is an event: only on a change of state, or every ten steps. */
import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';
import type { ArmPlan } from '../contract/activities.ts';
import type { WorkState } from './progress.ts';

const experimentKey = defineSearchAttributeKey('MtrlExperiment', 'KEYWORD');
const armKey = defineSearchAttributeKey('MtrlArm', 'KEYWORD');
const seedKey = defineSearchAttributeKey('MtrlSeed', 'INT');
const stateKey = defineSearchAttributeKey('MtrlState', 'KEYWORD');
const stepKey = defineSearchAttributeKey('MtrlStep', 'INT');
const macroF1Key = defineSearchAttributeKey('MtrlMacroF1', 'DOUBLE');
const recipeKey = defineSearchAttributeKey('MtrlRecipe', 'KEYWORD');
const recipeDigestKey = defineSearchAttributeKey('MtrlRecipeDigest', 'KEYWORD');

/** Given to an experiment at its start, where they cost no event. */
export function attributesOfExperiment(about: {
  readonly experimentId: string;
  readonly recipeName: string;
}): SearchAttributePair[] {
  return [
    { key: experimentKey, value: about.experimentId },
    { key: recipeKey, value: about.recipeName },
    { key: stateKey, value: 'preparing' },
  ];
}

/** Likewise, to a child of one. */
export function attributesOfChild(
  parent: { readonly experimentId: string; readonly recipeName: string; readonly recipeDigest: string },
  plan: ArmPlan,
  state: WorkState,
): SearchAttributePair[] {
  return [
    { key: experimentKey, value: parent.experimentId },
    { key: recipeKey, value: parent.recipeName },
    { key: recipeDigestKey, value: parent.recipeDigest },
    { key: armKey, value: plan.arm },
    { key: seedKey, value: plan.seed },
    { key: stateKey, value: state },
  ];
}

export interface AttributeChange {
  readonly experimentId?: string;
  readonly recipeName?: string;
  readonly recipeDigest?: string;
  readonly state?: WorkState;
  readonly step?: number;
  readonly macroF1?: number;
}

export function upsertAttributes(change: AttributeChange): void {
  const pairs: SearchAttributePair[] = [];
  if (change.experimentId !== undefined) pairs.push({ key: experimentKey, value: change.experimentId });
  if (change.recipeName !== undefined) pairs.push({ key: recipeKey, value: change.recipeName });
  if (change.recipeDigest !== undefined) pairs.push({ key: recipeDigestKey, value: change.recipeDigest });
  if (change.state !== undefined) pairs.push({ key: stateKey, value: change.state });
  if (change.step !== undefined) pairs.push({ key: stepKey, value: change.step });
  // Four digits: it is a column of the Web UI.
  if (change.macroF1 !== undefined) pairs.push({ key: macroF1Key, value: Math.round(change.macroF1 * 1e4) / 1e4 });
  upsertSearchAttributes(pairs);
}
