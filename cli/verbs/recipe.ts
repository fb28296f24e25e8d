import type { Command } from 'commander';
import { loadRecipeFile } from '../../recipes/load.ts';
import { printJson } from '../output.ts';

export function addRecipe(program: Command): void {
  program
    .command('recipe')
    .description(
      'print a recipe as the JSON that `temporal workflow start` takes: checked, includes in it, paths absolute',
    )
    .argument('<recipe>', 'a YAML or JSON file')
    .option('--set <path=value>', 'change the recipe (repeatable)', (value, all: string[]) => [...all, value], [])
    .action((file: string, { set }: { readonly set: readonly string[] }) => {
      printJson(loadRecipeFile(file, set).recipe);
    });
}
