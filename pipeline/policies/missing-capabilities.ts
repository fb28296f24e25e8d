/** What a recipe needs and an engine does not have: found before anything runs, and named by its place in the recipe. */
import type { Capabilities, EngineFeature } from '../../policy/engine.ts';
import { usesReference } from '../../policy/losses/table.ts';
import { type RecipePath, recipeError, type RecipeProblem, valueText } from '../../recipes/checks/problem.ts';
import { isRl, trainedArms } from '../../recipes/arms.ts';
import type { Recipe, TrainedArm } from '../../recipes/recipe.ts';
import { lossOf } from '../training/updates/table.ts';
import { loraOf } from '../recipe-access.ts';

/** Throws RECIPE_INVALID with a line for each. */
export function requireCapabilities(recipe: Recipe, capabilities: Capabilities): void {
  const problems = [
    ...policyProblems(recipe, capabilities),
    ...trainedArms(recipe).flatMap(([name, arm]) => armProblems(recipe, ['arms', name], arm, capabilities)),
  ];
  if (problems.length > 0) throw recipeError(problems);
}

const lacks = ({ lacks: missing = [] }: Capabilities, feature: EngineFeature): boolean => missing.includes(feature);

function policyProblems({ policy }: Recipe, capabilities: Capabilities): RecipeProblem[] {
  if (policy === undefined || !('config' in policy) || !lacks(capabilities, 'fresh-weights')) return [];
  const allowed = 'policy.checkpoint: this engine has no fresh weights';
  return [{ path: ['policy', 'config'], found: valueText(policy.config), allowed }];
}

function armProblems(recipe: Recipe, at: RecipePath, arm: TrainedArm, capabilities: Capabilities): RecipeProblem[] {
  const { losses, adaptersOnly, logProbTemperature } = capabilities;
  const problems: RecipeProblem[] = [];
  const refuse = (field: string, found: unknown, allowed: string): void => {
    problems.push({ path: [...at, field], found: valueText(found), allowed });
  };
  const { loss } = lossOf(arm);
  if (!losses.includes(loss.name)) {
    const [field, found] = isRl(arm) ? ['algorithm', arm.algorithm] : ['objective', arm.objective];
    refuse(field, found, `one whose loss is of ${losses.join(', ')}, and not ${loss.name}: this engine has no other`);
  } else if (lacks(capabilities, 'kl-in-loss') && usesReference(loss)) {
    refuse('klCoefficient', 'a KL term in the loss', '0, or klIn: reward: this engine has no such loss');
  }
  if (adaptersOnly && loraOf(recipe, arm) === undefined) {
    refuse('lora', undefined, 'adapters, or engine.tinker.lora: this engine trains nothing else');
  }
  if (lacks(capabilities, 'muon') && arm.optimizer.name === 'muon') {
    refuse('optimizer', 'muon', 'adamw: this engine has no other optimizer');
  }
  if (lacks(capabilities, 'averaged-snapshots') && arm.averagedSnapshotCount !== undefined) {
    refuse('averagedSnapshotCount', arm.averagedSnapshotCount, 'none: the weights stay on the server');
  }
  if (lacks(capabilities, 'augmentation') && arm.augmentation !== undefined) {
    refuse('augmentation', arm.augmentation, 'none: this engine takes images as files');
  }
  if (lacks(capabilities, 'skipped-updates')) {
    for (const [guard, action] of Object.entries(arm.guards ?? {}))
      if (action === 'skip') refuse(`guards.${guard}`, action, 'stop, rewind: this engine cannot drop gradients');
  }
  if (isRl(arm) && logProbTemperature !== undefined && arm.temperature !== logProbTemperature) {
    refuse('temperature', arm.temperature, `${String(logProbTemperature)}: this engine has log-probs of no other`);
  }
  return problems;
}
