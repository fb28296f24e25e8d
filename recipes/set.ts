/** `--set path=value`: changes to a recipe from the command line. */
import { parse } from 'yaml';
import { MtrlError } from '../core/errors.ts';
import { nearest } from './checks/nearest.ts';
import { type RecipePath, type RecipeProblem, recipeError, valueText } from './checks/problem.ts';
import { plainValues, yamlOptions } from './plain-values.ts';
import { fieldsAt, valueAt } from './checks/schema-walk.ts';

export interface Assignment {
  readonly path: RecipePath;
  readonly value: unknown;
}

/** Parses `arms.mt-rl.groupSize=4`; the value is YAML. Throws USAGE if the form is different. */
export function parseAssignment(text: string): Assignment {
  const split = text.indexOf('=');
  const path = text.slice(0, split === -1 ? 0 : split).trim();
  const usage = (found: string): MtrlError =>
    new MtrlError('USAGE', '--set takes PATH=VALUE', {
      where: `--set ${text}`,
      found,
      hint: 'for example --set arms.mt-rl.stepCount=20',
    });
  if (path === '' || path.split('.').includes(''))
    throw usage(split === -1 ? 'no `=`' : 'no path before `=`, or an empty part in the path');
  try {
    return {
      path: path.split('.').map((key) => (/^\d+$/.test(key) ? Number(key) : key)),
      value: plainValues(parse(text.slice(split + 1), yamlOptions)),
    };
  } catch (cause) {
    throw usage(`a value that is not YAML: ${(cause as Error).message.split('\n')[0] ?? ''}`);
  }
}

/**
 * Changes `recipe` in place. Throws RECIPE_INVALID, naming the part of the path that does not exist and the parts that
 * do.
 */
export function assign(recipe: unknown, { path, value }: Assignment): void {
  for (let length = 1; length <= path.length; length++) {
    const problem = missingPart(recipe, path.slice(0, length), length === path.length);
    if (problem) throw recipeError([problem], undefined, () => '--set');
  }
  let holder = recipe as Holder;
  for (const key of path.slice(0, -1)) holder = (holder[key] ??= {}) as Holder;
  holder[path.at(-1) ?? ''] = value;
}

type Holder = Record<string | number, unknown>;

function missingPart(recipe: unknown, path: RecipePath, isLast: boolean): RecipeProblem | undefined {
  const parent = path.slice(0, -1);
  const key = path.at(-1) ?? '';
  const holder = valueAt(recipe, parent);
  if (Array.isArray(holder)) {
    if (typeof key === 'number' && key < holder.length) return undefined;
    return { path, found: 'no such entry', allowed: `0 to ${String(holder.length - 1)}` };
  }
  if (holder !== undefined && (typeof holder !== 'object' || holder === null)) {
    return { path: parent, found: valueText(holder), allowed: 'a value without fields' };
  }
  if (holder !== undefined && Object.hasOwn(holder, key)) return undefined;
  // A field of the schema may be missing in the file; an arm, a task or a dataset on the path may not.
  const fields = fieldsAt(parent, recipe);
  const name = String(key);
  const isRecord = fields.length === 0;
  if (fields.includes(name) || (isLast && isRecord)) return undefined;
  const known = isRecord ? Object.keys(holder ?? {}) : fields;
  return { path, found: 'a path that the recipe does not have', allowed: nearest(name, known, 8).join(', ') };
}
