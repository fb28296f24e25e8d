/** `single`: an arm that stands for a specialist of each of its tasks, `rl-single/safety` and so on. */
import { type RecipeProblem, valueText } from '../checks/problem.ts';
import { type Fields, isFields } from './merge-patch.ts';

const specialistName = (arm: string, task: string): string => `${arm}/${task}`;

/** Name and fields of an arm, and the name of the arm that it was made of. */
type FullArm = readonly [name: string, arm: unknown, of: string];

/**
 * Each `single` arm replaced by one arm for each task that it trains on. `tasks`: those of the recipe. A `from` that
 * names another single arm means its specialist of the same task.
 */
export function withSpecialists(
  arms: readonly (readonly [name: string, arm: unknown])[],
  tasks: unknown,
  problems: RecipeProblem[],
): FullArm[] {
  const singles = new Set(arms.filter(([, arm]) => isFields(arm) && arm['single'] === true).map(([name]) => name));
  return arms.flatMap(([name, arm]): FullArm[] => {
    if (!isFields(arm) || arm['single'] === undefined) return [[name, arm, name]];
    const { single, ...own } = arm;
    problems.push(...singleProblems(name, single, own));
    const trained = single === true && own['objective'] !== 'none' ? tasksOf(own, tasks) : [];
    // Without a task the arm itself is left, for the schema and the cross checks to judge.
    if (trained.length === 0) return [[name, own, name]];
    return trained.map((task) => {
      const others = new Set(trained.filter((other) => other !== task));
      const { from, ...settings } = withoutTasks(own, others);
      const isSingle = typeof from === 'string' && singles.has(from);
      const start = from !== undefined && { from: isSingle ? specialistName(from, task) : from };
      return [specialistName(name, task), { ...settings, ...start, tasks: [task], specialistOf: name }, name];
    });
  });
}

/** Where an arm has settings by task. */
const placesByTask = [['mixture', 'exampleCountMax'], ['mixture', 'weights'], ['augmentation']] as const;

/** The arm without its settings of these tasks. */
function withoutTasks(arm: Fields, tasks: ReadonlySet<string>): Fields {
  return placesByTask.reduce((rest, place) => changedAt(rest, place, tasks), arm);
}

function changedAt(holder: Fields, [key = '', ...inside]: readonly string[], tasks: ReadonlySet<string>): Fields {
  const value = holder[key];
  if (!isFields(value)) return holder;
  const kept =
    inside.length > 0
      ? changedAt(value, inside, tasks)
      : Object.fromEntries(Object.entries(value).filter(([task]) => !tasks.has(task)));
  return { ...holder, [key]: kept };
}

function singleProblems(name: string, single: unknown, { objective }: Fields): RecipeProblem[] {
  const path = ['arms', name, 'single'];
  if (typeof single !== 'boolean') return [{ path, found: valueText(single), allowed: 'true or false' }];
  if (!single || objective !== 'none') return [];
  return [{ path, found: 'true, in an arm that trains nothing', allowed: 'an arm with objective sft or rl' }];
}

/** The tasks that the arm names, else all that are not `ood`. */
function tasksOf({ tasks: own }: Fields, tasks: unknown): readonly string[] {
  if (Array.isArray(own)) return own.filter((task) => typeof task === 'string');
  if (!isFields(tasks)) return [];
  return Object.keys(tasks).filter((task) => {
    const spec = tasks[task];
    return isFields(spec) && spec['ood'] !== true;
  });
}
