/**
 * The search attributes by which the Web UI and `temporal workflow list --query` can filter. An upsert is an event:
 * only on a change of state, or every ten steps.
 */
import type { SearchAttributePair } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';
import type { ArmPlan } from '../contract/activities.ts';
import { searchAttributes } from '../contract/search-attributes.ts';
import type { WorkState } from '../contract/progress.ts';

/** Passed when an experiment is started, where they cost no event. */
export function attributesOfExperiment(about: {
  readonly experimentId: string;
  readonly recipeName: string;
}): SearchAttributePair[] {
  return [
    { key: searchAttributes.experiment, value: about.experimentId },
    { key: searchAttributes.recipe, value: about.recipeName },
    { key: searchAttributes.state, value: 'preparing' },
  ];
}

/** Passed when a child of an experiment is started. */
export function attributesOfChild(
  parent: { readonly experimentId: string; readonly recipeName: string; readonly recipeDigest: string },
  plan: ArmPlan,
  state: WorkState,
): SearchAttributePair[] {
  return [
    { key: searchAttributes.experiment, value: parent.experimentId },
    { key: searchAttributes.recipe, value: parent.recipeName },
    { key: searchAttributes.recipeDigest, value: parent.recipeDigest },
    { key: searchAttributes.arm, value: plan.arm },
    { key: searchAttributes.seed, value: plan.seed },
    { key: searchAttributes.state, value: state },
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
  if (change.experimentId !== undefined) pairs.push({ key: searchAttributes.experiment, value: change.experimentId });
  if (change.recipeName !== undefined) pairs.push({ key: searchAttributes.recipe, value: change.recipeName });
  if (change.recipeDigest !== undefined) pairs.push({ key: searchAttributes.recipeDigest, value: change.recipeDigest });
  if (change.state !== undefined) pairs.push({ key: searchAttributes.state, value: change.state });
  if (change.step !== undefined) pairs.push({ key: searchAttributes.step, value: change.step });
  // Four decimals, because it is a column of the Web UI.
  if (change.macroF1 !== undefined)
    pairs.push({ key: searchAttributes.macroF1, value: Math.round(change.macroF1 * 1e4) / 1e4 });
  upsertSearchAttributes(pairs);
}
