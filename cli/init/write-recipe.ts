/** Writes the recipe file, which must not exist yet. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import { isHubAddress } from '../../core/hub-address.ts';
import { projectRoot } from '../../core/project.ts';
import { commentedYaml, type YamlComment } from '../../recipes/commented-yaml.ts';
import { loadRecipeFile } from '../../recipes/load.ts';

/** A path relative to the recipe's folder; addresses as they are. */
export function placesBeside(recipe: string): (path: string) => string {
  return (path) => (isHubAddress(path) ? path : relative(dirname(recipe), path) || '.');
}

const loraPlaces = ['format', 'sft', 'rl'].map((arm) => ['arms', arm, 'lora']);

/** Throws USAGE. */
export function refuseExisting(recipe: string): void {
  if (!existsSync(recipe)) return;
  throw new MtrlError('USAGE', 'the recipe exists, and nothing is overwritten', {
    where: recipe,
    hint: 'name another file with --to, or remove this one',
  });
}

export async function writeRecipe(
  file: string,
  { recipe, comments }: { readonly recipe: unknown; readonly comments: readonly YamlComment[] },
): Promise<void> {
  const schema = relative(dirname(file), join(projectRoot, 'recipes', 'recipe.schema.json'));
  const head = [
    `yaml-language-server: $schema=${schema}`,
    `Written by \`mtrl init\`. Look at the tasks and their prompts first; then: mtrl ingest ${basename(file)}`,
  ];
  const text = commentedYaml(recipe, { head: head.join('\n'), comments, anchors: [{ name: 'lora', at: loraPlaces }] });
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text, { flag: 'wx' });
  // What was written is read as any recipe is: a mistake of ours would show here.
  loadRecipeFile(file, []);
}
