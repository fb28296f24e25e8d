import type { Command } from 'commander';
import { loadRecipeFile } from '../../../recipes/load.ts';
import { print, printJson } from '../../show/output.ts';
import { recipeDetails } from '../../show/recipe-details.ts';
import { repeated } from '../../repeated.ts';

export function addRecipe(command: Command): void {
  command
    .argument('<recipe>', 'a YAML or JSON file')
    .option('--set <path=value>', 'change the recipe (repeatable)', repeated, [])
    .option('--details', 'print the text for --static-details instead, as `mtrl run` sets it')
    .action(
      (file: string, { set, details = false }: { readonly set: readonly string[]; readonly details?: boolean }) => {
        const { recipe, parsed, digest } = loadRecipeFile(file, set);
        if (details) print(recipeDetails(parsed, digest));
        else printJson(recipe);
      },
    );
}
