/**
 * Arms as they are written and arms in full. A recipe may say `like` another arm, `single` for an arm per task, and
 * `sweeps`; everything after the schema sees plain arms alone. A recipe in full is left as it is.
 */
import type { RecipePath, RecipeProblem } from '../checks/problem.ts';
import { withoutLike } from './like.ts';
import { isFields } from './merge-patch.ts';
import { withSpecialists } from './single.ts';
import { sweptArms, sweptPath } from './sweeps.ts';

export interface Expansion {
  readonly recipe: unknown;
  readonly problems: readonly RecipeProblem[];
  /** The path in the recipe as written of a path in the recipe in full. */
  readonly writtenPath: (path: RecipePath) => RecipePath;
  /** The arm that a written arm is `like`. */
  readonly likeOf: (arm: string) => string | undefined;
}

export function expanded(written: unknown): Expansion {
  if (!isFields(written) || !isFields(written['arms'])) {
    return { recipe: written, problems: [], writtenPath: (path) => path, likeOf: () => undefined };
  }
  const { sweeps: _sweeps, arms: writtenArms, ...rest } = written;
  const problems: RecipeProblem[] = [];
  const whole = withoutLike(writtenArms, problems);
  const swept = sweptArms(written, whole, problems);
  const named = [...Object.entries(whole), ...swept.map(({ name, arm }) => [name, arm] as const)];
  const full = withSpecialists(named, written['tasks'], problems);
  problems.push(...repeatedNames(full.map(([name]) => name)));
  const sweptByName = new Map(swept.map((each) => [each.name, each]));
  const writtenName = new Map(full.map(([name, , from]) => [name, from]));
  return {
    recipe: { ...rest, arms: Object.fromEntries(full.map(([name, arm]) => [name, arm])) },
    problems,
    writtenPath: (path) => {
      const [section, arm = '', ...inside] = path;
      if (section !== 'arms') return path;
      const name = writtenName.get(String(arm)) ?? arm;
      const of = sweptByName.get(String(name));
      return of === undefined ? ['arms', name, ...inside] : sweptPath(of, inside);
    },
    likeOf: (name) => {
      const arm = writtenArms[name];
      return isFields(arm) && typeof arm['like'] === 'string' ? arm['like'] : undefined;
    },
  };
}

function repeatedNames(names: readonly string[]): RecipeProblem[] {
  const repeated = new Set(names.filter((name, i) => names.indexOf(name) < i));
  return [...repeated].map((name) => ({ path: ['arms', name], found: 'two arms of this name', allowed: 'one' }));
}
