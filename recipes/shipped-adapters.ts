/** The shipped adapters: what published data each reads, by its columns. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../core/project.ts';
import { readFragment } from './include.ts';
import type { RecipeInput } from './recipe.ts';

export interface ShippedAdapter {
  /** File name, such as `nlvr.yaml`. */
  readonly name: string;
  readonly file: string;
  readonly datasets: RecipeInput['datasets'];
}

const folder = join(projectRoot, 'recipes', 'adapters');

/** In order of name. */
export function shippedAdapters(): ShippedAdapter[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return names.sort().map((name) => {
    const file = join(folder, name);
    return { name, file, datasets: readFragment(file)['datasets'] as RecipeInput['datasets'] };
  });
}
