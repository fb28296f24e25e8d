/** From a recipe file, or from JSON that came through Temporal, to a complete and checked Recipe. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, parseDocument, type Range } from 'yaml';
import { MtrlError } from '../core/errors.ts';
import { type Json, digestOf } from '../core/json.ts';
import { crossProblems } from './cross-checks.ts';
import { withAbsolutePaths } from './paths.ts';
import { type PlaceOf, type RecipePath, recipeError } from './problem.ts';
import { type Recipe, type RecipeInput, recipeSchema } from './recipe.ts';
import { schemaProblems } from './schema-problems.ts';
import { assign, parseAssignment } from './set.ts';

export interface LoadedRecipe {
  /** As the user wrote it, with `--set` applied and paths made absolute: ready to send. */
  readonly recipe: RecipeInput;
  /** With defaults filled in. */
  readonly parsed: Recipe;
  /** Of the complete recipe with paths as written, so that it is the same in every checkout. */
  readonly digest: string;
}

/** For JSON that has no file: its relative paths start from the working folder. Throws RECIPE_INVALID with one line a problem (recipes/problem.ts). */
export function parseRecipe(value: unknown): Recipe {
  return check(withAbsolutePaths(value, process.cwd()));
}

/** Throws FILE_MISSING, USAGE (a malformed `--set`) and RECIPE_INVALID, the latter with line numbers. */
export function loadRecipeFile(path: string, sets: readonly string[]): LoadedRecipe {
  const lines = new LineCounter();
  const document = parseDocument(readText(path), { lineCounter: lines });
  const [syntax] = document.errors;
  if (syntax) {
    const line = `line ${String(lines.linePos(syntax.pos[0]).line)}`;
    const found = syntax.message.split('\n')[0]?.replace(/ at line \d+.*$/, '') ?? '';
    throw recipeError([{ path: [], found, allowed: 'YAML' }], path, () => line);
  }
  const assignments = sets.map(parseAssignment);
  for (const assignment of assignments) assign(document, assignment);
  const written: unknown = document.toJS();
  const digest = digestOf(check(written, path, placesIn(document, lines)) as Json);
  const recipe = withAbsolutePaths(written, dirname(resolve(path)));
  return { recipe: recipe as RecipeInput, parsed: check(recipe), digest };
}

function check(value: unknown, file?: string, placeOf?: PlaceOf): Recipe {
  const result = recipeSchema.safeParse(value);
  const problems = result.success ? crossProblems(result.data) : schemaProblems(result.error.issues, value);
  if (!result.success || problems.length > 0) throw recipeError(problems, file, placeOf);
  return result.data;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new MtrlError('FILE_MISSING', 'the recipe cannot be read', {
      where: path,
      found: (cause as NodeJS.ErrnoException).code ?? String(cause),
      hint: 'name a YAML or JSON file; the shipped ones are in recipes/',
      cause,
    });
  }
}

/** The line of a value, or of the nearest thing around it that is written down; `--set` for what came from there. */
function placesIn(document: Document, lines: LineCounter): PlaceOf {
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const node = nodeAt(document, path.slice(0, length));
      if (node === undefined) continue;
      return node.range ? `line ${String(lines.linePos(node.range[0]).line)}` : '--set';
    }
    return undefined;
  };
}

/** The key's node where there is one: a value may start on the line below it. */
function nodeAt(document: Document, path: RecipePath): { readonly range?: Range | null | undefined } | undefined {
  const holder = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const key = path.at(-1);
  if (isMap(holder)) {
    const pair = holder.items.find((item) => isPair(item) && String(isScalar(item.key) ? item.key.value : item.key) === String(key));
    if (pair === undefined) return undefined;
    if (isNode(pair.value) && !pair.value.range) return pair.value;
    return isNode(pair.key) ? pair.key : {};
  }
  const value: unknown = document.getIn(path, true);
  return isNode(value) ? value : undefined;
}
