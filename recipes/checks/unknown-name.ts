/** Reports a name that must exist elsewhere in the recipe and does not. */
import { nearest } from './nearest.ts';
import { type RecipePath, type RecipeProblem, valueText } from './problem.ts';

export function unknownName(
  path: RecipePath,
  name: string,
  known: readonly string[],
  what: 'task' | 'arm' | 'evaluated task',
): RecipeProblem[] {
  if (known.includes(name)) return [];
  return [
    {
      path,
      found: `${valueText(name)}, which is not a known ${what}`,
      allowed: nearest(name, known, 8).join(', ') || `(the recipe has no ${what})`,
    },
  ];
}
