/**
 * `npm run docs`: writes the files generated from the recipe's schema, docs/recipes.md and recipes/recipe.schema.json.
 */
import { writeFileSync } from 'node:fs';
import { recipeEditorSchema } from './json-schema.ts';
import { recipeReference } from './reference.ts';

const write = (path: string, text: string): void => writeFileSync(new URL(path, import.meta.url), text);

write('../docs/recipes.md', recipeReference());
write('recipe.schema.json', `${JSON.stringify(recipeEditorSchema(), null, 2)}\n`);
