/** Converts zod's issues to recipe problems. */
import type { z } from 'zod';
import { nearest } from './nearest.ts';
import { type RecipePath, type RecipeProblem, valueText } from './problem.ts';
import { fieldsAt, valueAt } from './schema-walk.ts';

type Issue = z.core.$ZodIssue;

export function schemaProblems(issues: readonly Issue[], recipe: unknown): RecipeProblem[] {
  return issues.flatMap((issue) => problemsOf(issue, [], recipe));
}

function problemsOf(issue: Issue, base: RecipePath, recipe: unknown): RecipeProblem[] {
  const path = [...base, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))];
  const value = valueAt(recipe, path);
  const found = valueText(value);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownField([...path, key], path, key, recipe));
    case 'invalid_union': {
      // A union with a discriminator has no branch errors: the allowed values are those of the discriminator.
      const options = (issue as { options?: readonly unknown[] }).options;
      if (options !== undefined)
        return [
          {
            path,
            found,
            allowed: options
              .filter((option) => option !== undefined)
              .map(String)
              .join(', '),
          },
        ];
      return nearestBranch(issue.errors, path, value, recipe);
    }
    case 'invalid_key':
      return [
        {
          path,
          found: `the name ${valueText(path.at(-1))}`,
          allowed: 'a name of lower-case letters, digits and dashes, at most 100',
        },
      ];
    case 'invalid_type':
      return [
        {
          path,
          found,
          allowed: `${typeText[issue.expected] ?? issue.expected}${value === undefined ? ' (the field is needed)' : ''}`,
        },
      ];
    case 'invalid_value':
      return [{ path, found, allowed: issue.values.map(String).join(', ') }];
    case 'too_small':
      return [{ path, found, allowed: boundText(issue.origin, issue.inclusive === false ? '>' : '>=', issue.minimum) }];
    case 'too_big':
      return [{ path, found, allowed: boundText(issue.origin, issue.inclusive === false ? '<' : '<=', issue.maximum) }];
    default:
      return [{ path, found, allowed: issue.message }];
  }
}

const typeText: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'fields',
  record: 'named entries',
  array: 'a list',
  tuple: 'a list',
};

function unknownField(path: RecipePath, parent: RecipePath, key: string, recipe: unknown): RecipeProblem {
  const fields = fieldsAt(parent, recipe);
  const [best = '', ...others] = nearest(key, fields, fields.length);
  const rest = others.length === 0 ? '' : `; also ${others.slice(0, 5).join(', ')}${others.length > 5 ? ', ...' : ''}`;
  return { path, found: 'a field that does not exist', allowed: `${best}${rest}` };
}

/**
 * The problems of the intended branch of a union without a discriminator: the branch with the fewest problems, for an
 * object among those that fail inside it.
 */
function nearestBranch(
  errors: readonly (readonly Issue[])[],
  path: RecipePath,
  value: unknown,
  recipe: unknown,
): RecipeProblem[] {
  const shapes = errors.map((issues) => issues.flatMap((issue) => problemsOf(issue, path, recipe)));
  const isObject = typeof value === 'object' && value !== null;
  const meant = shapes.filter((problems) => problems.some((problem) => problem.path.length > path.length) === isObject);
  const [best] = [...(meant.length > 0 ? meant : shapes)].sort((a, b) => a.length - b.length);
  if (best !== undefined && isObject) return best;
  const allowed = [...new Set(shapes.flat().map((problem) => problem.allowed))].join(', or ');
  return [{ path, found: valueText(value), allowed }];
}

function boundText(origin: string, sign: '>' | '>=' | '<' | '<=', bound: number | bigint): string {
  const limit = String(bound);
  if (origin === 'string')
    return sign === '>=' && limit === '1' ? 'text that is not empty' : `${sign} ${limit} characters`;
  if (origin === 'array') return `a list of ${sign === '>=' ? 'at least' : 'at most'} ${limit}`;
  return `${origin === 'int' ? 'a whole number' : 'a number'} ${sign} ${limit}`;
}
