/** Loads a complete and checked Recipe from a recipe file, or from JSON received through Temporal. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument, type Range } from 'yaml';
import { MtrlError } from '../core/errors.ts';
import { digestOf } from '../core/json.ts';
import { crossProblems } from './checks/cross-checks.ts';
import { expanded, type Expansion } from './expansion/expand.ts';
import { withCurrentNames } from './former-names.ts';
import { withIncludes } from './include.ts';
import { withAbsolutePaths } from './paths.ts';
import { plainValues, yamlOptions } from './plain-values.ts';
import { syntaxProblem } from './syntax-problem.ts';
import { type PlaceOf, type RecipePath, type RecipeProblem, recipeError } from './checks/problem.ts';
import { type Recipe, type RecipeInput, recipeSchema } from './recipe.ts';
import { schemaProblems } from './checks/schema-problems.ts';
import { assign, parseAssignment } from './set.ts';

export interface LoadedRecipe {
  /** As the user wrote it, with `--set` applied, includes merged and paths made absolute: ready to send. */
  readonly recipe: RecipeInput;
  /** With defaults filled in. */
  readonly parsed: Recipe;
  /** Digest of the complete recipe with paths as written, so that it is the same in every checkout. */
  readonly digest: string;
}

/**
 * Parses JSON without a file: relative paths start from the working directory. Throws RECIPE_INVALID with one line per
 * problem (recipes/checks/problem.ts).
 */
export function parseRecipe(value: unknown): Recipe {
  return check(withAbsolutePaths(value, process.cwd()));
}

/**
 * Throws USAGE (no such file, or a malformed `--set`), FILE_MISSING (an included file) and RECIPE_INVALID, with line
 * numbers.
 */
export function loadRecipeFile(path: string, sets: readonly string[]): LoadedRecipe {
  const lines = new LineCounter();
  const document = parseDocument(readText(path), { lineCounter: lines, ...yamlOptions });
  const [syntax] = document.errors;
  if (syntax) {
    const line = `line ${String(lines.linePos(syntax.pos[0]).line)}`;
    throw recipeError([syntaxProblem(document, syntax)], path, () => line);
  }
  const assignments = sets.map(parseAssignment);
  const written = withIncludes(plainValue(document, path), path);
  for (const assignment of assignments) assign(written, assignment);
  const placeOf = placesIn(
    document,
    lines,
    assignments.map((assignment) => assignment.path),
  );
  const digest = digestOf(check(written, path, placeOf));
  const recipe = withAbsolutePaths(written, dirname(resolve(path)));
  return { recipe: recipe as RecipeInput, parsed: check(recipe), digest };
}

/** Applies `--set` to a recipe that no longer has a file. Throws USAGE, RECIPE_INVALID. */
export function changedRecipe(recipe: unknown, sets: readonly string[]): LoadedRecipe {
  const changed = withAbsolutePaths(structuredClone(recipe), process.cwd());
  for (const assignment of sets.map(parseAssignment)) assign(changed, assignment);
  const parsed = check(changed);
  return { recipe: changed as RecipeInput, parsed, digest: digestOf(parsed) };
}

function check(written: unknown, file?: string, placeOf?: PlaceOf): Recipe {
  const { recipe: value, problems: unexpanded, ...expansion } = expanded(withCurrentNames(written));
  if (unexpanded.length > 0) throw recipeError(unexpanded, file, placeOf);
  const result = recipeSchema.safeParse(value);
  const found = result.success ? crossProblems(result.data) : schemaProblems(result.error.issues, value);
  const problems = atWrittenPaths(found, expansion);
  if (!result.success || problems.length > 0) throw recipeError(problems, file, placeOf);
  return result.data;
}

/** Arms that are made of one written arm share its problems, and so do those that are `like` it: each is told once. */
function atWrittenPaths(
  problems: readonly RecipeProblem[],
  { writtenPath, likeOf }: Pick<Expansion, 'writtenPath' | 'likeOf'>,
): RecipeProblem[] {
  const keyOf = ({ path, found }: RecipeProblem): string => JSON.stringify([path, found]);
  const told = new Map<string, RecipeProblem>();
  for (const problem of problems) {
    const written = { ...problem, path: writtenPath(problem.path) };
    if (!told.has(keyOf(written))) told.set(keyOf(written), written);
  }
  const isInherited = ({ path: [section, arm, ...inside], found, allowed }: RecipeProblem): boolean => {
    const like = section === 'arms' && arm !== undefined ? likeOf(String(arm)) : undefined;
    if (like === undefined) return false;
    const same = { path: ['arms', like, ...inside], found, allowed };
    return told.get(keyOf(same))?.allowed === allowed || isInherited(same);
  };
  return [...told.values()].filter((problem) => !isInherited(problem));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new MtrlError('USAGE', 'the recipe cannot be read', {
      where: path,
      found: (cause as NodeJS.ErrnoException).code ?? String(cause),
      hint: 'give a YAML or JSON file; ready recipes are in recipes/',
      cause,
    });
  }
}

/** The line of a value, or of the nearest enclosing value in the file; `--set` for values assigned there. */
function placesIn(document: Document, lines: LineCounter, assigned: readonly RecipePath[]): PlaceOf {
  return (path) => {
    if (assigned.some((start) => start.every((key, i) => key === path[i]))) return '--set';
    for (let length = path.length; length > 0; length--) {
      const range = rangeOf(document, path.slice(0, length));
      if (range) return `line ${String(lines.linePos(range[0]).line)}`;
    }
    return undefined;
  };
}

/** The position of the key, if there is one: a value may start on the line below it. */
function rangeOf(document: Document, path: RecipePath): Range | null | undefined {
  const holder = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(holder)) {
    const value: unknown = document.getIn(path, true);
    return isNode(value) ? value.range : undefined;
  }
  const name = String(path.at(-1));
  const pair = holder.items.find(({ key }) => String(isScalar(key) ? key.value : key) === name);
  return isNode(pair?.key) ? pair.key.range : undefined;
}

/** A copy in which YAML aliases share no objects, so that `--set` changes one place. */
function plainValue(document: Document, path: string): unknown {
  try {
    return plainValues(document.toJS());
  } catch (error) {
    throw recipeError(
      [{ path: [], found: error instanceof Error ? error.message : String(error), allowed: 'YAML' }],
      path,
    );
  }
}
