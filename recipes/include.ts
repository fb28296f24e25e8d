/** `include`: recipe fragments (recipes/adapters) that add their tasks and datasets to a recipe file. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { plainValues, yamlOptions } from './plain-values.ts';
import { MtrlError } from '../core/errors.ts';
import { recipeError } from './checks/problem.ts';
import { syntaxProblem } from './syntax-problem.ts';

type Fields = Readonly<Record<string, unknown>>;

const fragmentFields: readonly string[] = ['tasks', 'datasets'];

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The recipe with the tasks and datasets of the files that it includes (paths relative to its folder), without
 * `include`. A task of the recipe itself overrides an included one of the same name. Its own datasets come first, so
 * that their indices match the file. Dataset paths of a fragment have the same base folder as those of the recipe.
 * Throws FILE_MISSING, RECIPE_INVALID.
 */
export function withIncludes(written: unknown, file: string): unknown {
  if (!isFields(written) || written['include'] === undefined) return written;
  const { include, ...own } = written;
  if (!Array.isArray(include) || !include.every((name) => typeof name === 'string')) {
    throw recipeError([{ path: ['include'], found: JSON.stringify(include), allowed: 'a list of files' }], file);
  }
  const fragments = include.map((name) => readFragment(resolve(dirname(file), name)));
  const tasks = [...fragments.map((fragment) => fragment['tasks']), own['tasks']].filter(isFields);
  const datasets = [own, ...fragments].flatMap(({ datasets: entries }) =>
    Array.isArray(entries) ? (entries as unknown[]) : [],
  );
  return { ...own, tasks: Object.assign({}, ...tasks) as unknown, datasets };
}

/** The tasks and datasets of a fragment. Throws FILE_MISSING, RECIPE_INVALID. */
export function readFragment(file: string): Fields {
  const fragment = parseFragment(file);
  const wrong = Object.keys(fragment).filter((name) => !fragmentFields.includes(name));
  if (wrong.length === 0) return fragment;
  throw recipeError(
    wrong.map((name) => ({
      path: [name],
      found: 'a field that fragments cannot have',
      allowed: fragmentFields.join(', '),
    })),
    file,
  );
}

function parseFragment(file: string): Fields {
  const text = readText(file);
  const document = parseDocument(text, yamlOptions);
  const [syntax] = document.errors;
  if (syntax) throw recipeError([syntaxProblem(document, syntax)], file);
  let value: unknown;
  try {
    // A copy in which YAML aliases share no objects.
    value = plainValues(document.toJS() ?? {});
  } catch (error) {
    throw recipeError([{ path: [], found: (error as Error).message, allowed: 'YAML' }], file);
  }
  if (isFields(value)) return value;
  throw recipeError([{ path: [], found: JSON.stringify(value), allowed: 'tasks and datasets' }], file);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MtrlError('FILE_MISSING', 'an included file cannot be read', {
      where: file,
      found: (cause as NodeJS.ErrnoException).code ?? String(cause),
      hint: "paths under include are relative to the recipe's folder",
      cause,
    });
  }
}
