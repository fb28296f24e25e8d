/** Whether and how arms are trained: objectives are compared only here. */
import type { EndpointSpec } from './fields/endpoint-fields.ts';
import type { Arm, Recipe, RlArm, TrainedArm } from './recipe.ts';

export function isTrained(arm: Arm | undefined): arm is TrainedArm {
  return arm !== undefined && arm.objective !== 'none';
}

/** The trained arms, in the recipe's order. */
export function trainedArms({ arms }: Pick<Recipe, 'arms'>): [name: string, arm: TrainedArm][] {
  return Object.entries(arms).flatMap(([name, arm]) => (isTrained(arm) ? [[name, arm] as [string, TrainedArm]] : []));
}

/** The arm's own policy, if it asks an endpoint. */
export function endpointOf(arm: Arm | undefined): EndpointSpec | undefined {
  return arm?.objective === 'none' ? arm.policy : undefined;
}

/** Whether the arm learns from rollouts. */
export function isRl(arm: Arm | undefined): arm is RlArm {
  return arm?.objective === 'rl';
}

/** Whether the arm trains on written rationales. With a `directShare` of 1 it uses none. */
export function imitatesReasons(arm: Arm | undefined): boolean {
  return arm?.objective === 'sft' && arm.mode === 'think' && arm.directShare < 1;
}
