/** Problems of a recipe, and the error that reports them: one line per problem, with its place in the file. */
import { MtrlError } from '../../core/errors.ts';

export type RecipePath = readonly (string | number)[];

export interface RecipeProblem {
  readonly path: RecipePath;
  readonly found: string;
  readonly allowed: string;
}

/** The place of a recipe value: `line 31`, or `--set`; undefined if unknown. */
export type PlaceOf = (path: RecipePath) => string | undefined;

/** `arms.mt-rl.groupSize`, `datasets.0.split`: the form that `--set` takes. */
export function pathText(path: RecipePath): string {
  return path.length === 0 ? '(the whole recipe)' : path.join('.');
}

/** RECIPE_INVALID; its message has a line for every problem, so that the Web UI shows all of them. */
export function recipeError(problems: readonly RecipeProblem[], file?: string, placeOf?: PlaceOf): MtrlError {
  const lines = problems.map(({ path, found, allowed }) => {
    const place = placeOf?.(path);
    return `  ${pathText(path)}${place === undefined ? '' : ` (${place})`}: found ${found}; allowed: ${allowed}`;
  });
  const count = problems.length === 1 ? 'a problem' : `${String(problems.length)} problems`;
  const message = `the recipe has ${count}\n${lines.join('\n')}`;
  return new MtrlError('RECIPE_INVALID', message, file === undefined ? {} : { where: file });
}

const excerptLengthMax = 60;

/** A value as a user would write it, truncated. */
export function valueText(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length <= excerptLengthMax ? text : `${text.slice(0, excerptLengthMax - 3)}...`;
}
