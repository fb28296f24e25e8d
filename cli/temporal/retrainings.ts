/** Recipes that can be retrained by: those that say when their judge may take a name. */
import { readOverrides } from '../../infra/stack/settings.ts';
import { type LoadedRecipe, loadRecipeFile } from '../../recipes/load.ts';
import { requireFiles } from '../../recipes/paths.ts';
import { recipeError } from '../../recipes/checks/problem.ts';
import type { PromotionSpec } from '../../recipes/fields/promotion-fields.ts';

/** Throws USAGE, RECIPE_INVALID, FILE_MISSING. */
export function loadRetrainRecipe(
  file: string,
  sets: readonly string[],
): LoadedRecipe & { readonly promotion: PromotionSpec } {
  const loaded = loadRecipeFile(file, sets);
  const { promotion } = loaded.parsed;
  if (promotion === undefined) {
    const allowed = 'promotion: {name: ..., arm: ...}: the name to promote to, and the arm to promote';
    throw recipeError([{ path: ['promotion'], found: 'nothing', allowed }], file);
  }
  // Workers of a remote stack see other files; they find out for themselves.
  if (readOverrides().temporal === undefined) requireFiles(loaded.parsed);
  return { ...loaded, promotion };
}

/** The id that a retraining of the name has while it runs (workflows/retrain.ts). */
export function retrainWorkflowId({ name }: PromotionSpec): string {
  return `retrain/${name}`;
}
