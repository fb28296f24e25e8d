/** Reads the complete recipe of a ref, and the parts of it that activities need. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import { MtrlError } from '../core/errors.ts';
import type { MemorySpec } from '../policy/engine.ts';
import { isRl, isTrained } from '../recipes/arms.ts';
import { withCurrentNames } from '../recipes/former-names.ts';
import type { Arm, Recipe, RlArm, TaskSpec, TrainedArm } from '../recipes/recipe.ts';
import type { JsonCache } from './json-cache.ts';
import type { DrawnAugmentation, Prompting } from './policies/step-record.ts';

/** Not validated again: `prepare` did so before storing it. Names of earlier versions become current ones. */
export async function recipeOf(cache: JsonCache, ref: ArtifactRef): Promise<Recipe> {
  return withCurrentNames(await cache.get(ref)) as Recipe;
}

export function armOf(recipe: Recipe, name: string): Arm {
  const arm = recipe.arms[name];
  if (!arm) throw new MtrlError('NOT_FOUND', `the recipe has no arm ${name}`, { where: `arms.${name}` });
  return arm;
}

export function trainedArm(recipe: Recipe, name: string): TrainedArm {
  const arm = armOf(recipe, name);
  if (!isTrained(arm)) throw new MtrlError('INVARIANT', `arm ${name} trains nothing`);
  return arm;
}

export function rlArm(recipe: Recipe, name: string): RlArm {
  const arm = armOf(recipe, name);
  if (!isRl(arm)) throw new MtrlError('INVARIANT', `arm ${name} makes no rollouts`);
  return arm;
}

export function taskOf(recipe: Pick<Recipe, 'tasks'>, name: string): TaskSpec {
  const task = recipe.tasks[name];
  if (!task) throw new MtrlError('NOT_FOUND', `the recipe has no task ${name}`, { where: `tasks.${name}` });
  return task;
}

/** Empty if the recipe does not limit memory, so that keys of results are the same as without the setting. */
export function memoryOf({ engine }: Pick<Recipe, 'engine'>): { readonly memory?: MemorySpec } {
  const { memoryByteLengthMax: byteLengthMax, recompute = false } = engine ?? {};
  if (byteLengthMax === undefined && !recompute) return {};
  return { memory: { ...(byteLengthMax !== undefined && { byteLengthMax }), ...(recompute && { recompute }) } };
}

/** Adapters that an arm trains: its own, or those of the server that the recipe names. */
export function loraOf({ engine }: Pick<Recipe, 'engine'>, { lora }: TrainedArm): TrainedArm['lora'] {
  return lora ?? engine?.tinker?.lora;
}

/** Empty if the arm shows pictures as they are, so that keys of results are the same as without the setting. */
export function augmentationOf(
  { augmentation }: TrainedArm,
  seed: number,
): { readonly augmentation?: DrawnAugmentation } {
  return augmentation === undefined ? {} : { augmentation: { tasks: augmentation, seed } };
}

/** Only the named tasks: results are reused if a recipe changes elsewhere. */
export function promptingOf(recipe: Recipe, tasks: Iterable<string>): Prompting {
  const names = [...new Set(tasks)].sort();
  const { modeWords, promptDate } = recipe;
  return {
    ...{ tasks: Object.fromEntries(names.map((name) => [name, taskOf(recipe, name)])), modeWords },
    ...(promptDate !== undefined && { promptDate }),
  };
}
