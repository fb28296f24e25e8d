/** Checks of task kinds, mixtures and rewards against each other, beyond what a single field can express. */
import { fieldsOfKinds, hasClasses, kindNames, kindOf, kinds, metricGroups } from '../../judge/kinds/table.ts';
import { isRl, isTrained } from '../arms.ts';
import { hasHeadline, headlineMetrics } from '../fields/headline-field.ts';
import { type RecipePath, type RecipeProblem, valueText } from './problem.ts';
import type { Recipe, RlArm, TaskSpec } from '../recipe.ts';
import { trainedTasks } from '../task-sets.ts';

export function judgingProblems(recipe: Recipe): RecipeProblem[] {
  return [
    ...Object.entries(recipe.tasks).flatMap(([name, task]) => taskProblems(['tasks', name], task)),
    ...Object.keys(recipe.arms).flatMap((arm) => armProblems(['arms', arm], recipe, arm)),
  ];
}

function taskProblems(at: RecipePath, task: TaskSpec): RecipeProblem[] {
  const { labels } = task;
  const allowed = kindOf(task).labelsProblem?.(labels);
  const problem = kindOf(task).taskProblem?.(task);
  return [
    ...(allowed === undefined ? [] : [{ path: [...at, 'labels'], found: valueText(labels), allowed }]),
    ...(problem === undefined
      ? []
      : [{ path: [...at, problem.field], found: valueText(problem.found), allowed: problem.allowed }]),
    ...fieldsOfOtherKinds(at, task),
    ...headlineProblems(at, task),
  ];
}

function headlineProblems(at: RecipePath, task: TaskSpec): RecipeProblem[] {
  const { headline, kind, labels } = task;
  const metrics = metricGroups(task);
  const needs: Partial<Record<(typeof headlineMetrics)[number], boolean>> = {
    accuracyWithoutTies: labels.length > 2,
    macroAccuracy: task.slices !== undefined,
    tiesScore: task.tiesScoreBy !== undefined,
  };
  const isMeasured = (metric: (typeof headlineMetrics)[number]): boolean =>
    hasHeadline(metric, metrics) && needs[metric] !== false;
  if (headline === undefined || isMeasured(headline)) return [];
  const allowed = `${headlineMetrics.filter(isMeasured).join(', ')}, because the task is ${kind} with ${labels.length} labels`;
  return [{ path: [...at, 'headline'], found: valueText(headline), allowed }];
}

function fieldsOfOtherKinds(at: RecipePath, task: TaskSpec): RecipeProblem[] {
  const own = kindOf(task).fields;
  const takersOf = (field: string): readonly string[] => kindNames.filter((kind) => field in kinds[kind].fields);
  return Object.keys(fieldsOfKinds).flatMap((field): RecipeProblem[] => {
    const value: unknown = task[field as keyof TaskSpec];
    if (field in own || value === undefined) return [];
    const allowed = `nothing, because the kind is not ${takersOf(field).join(' or ')}`;
    return [{ path: [...at, field], found: valueText(value), allowed }];
  });
}

function armProblems(at: RecipePath, recipe: Recipe, name: string): RecipeProblem[] {
  const arm = recipe.arms[name];
  if (!isTrained(arm)) return [];
  const tasks = trainedTasks(recipe, arm);
  const { strategy, weights, exampleCountMax } = arm.mixture;
  const problems = [
    ...unknownTasks([...at, 'mixture', 'weights'], weights, tasks),
    ...unknownTasks([...at, 'mixture', 'exampleCountMax'], exampleCountMax, tasks),
    ...unknownTasks([...at, 'augmentation'], arm.augmentation ?? {}, tasks),
  ];
  const missing = tasks.filter((task) => strategy === 'weights' && weights[task] === undefined);
  if (missing.length > 0) {
    const found = `no weight of ${missing.join(', ')}`;
    problems.push({ path: [...at, 'mixture', 'weights'], found, allowed: 'a weight for every trained task' });
  }
  if (arm.mixture.balance === 'label' && !tasks.some((task) => isBalanced(recipe, task))) {
    const allowed = `none, because labels of ${tasks.join(', ')} are not classes`;
    problems.push({ path: [...at, 'mixture', 'balance'], found: valueText('label'), allowed });
  }
  if (arm.objective === 'sft' && arm.softLabels && arm.mode === 'think' && arm.directShare === 0) {
    const allowed =
      'none, because every answer has a written reason, which belongs to one label. Set directShare or mode: direct';
    problems.push({ path: [...at, 'softLabels'], found: valueText(arm.softLabels), allowed });
  }
  return isRl(arm) ? [...problems, ...rolloutProblems(at, arm, tasks)] : problems;
}

function rolloutProblems(at: RecipePath, arm: RlArm, tasks: readonly string[]): RecipeProblem[] {
  const { reward, dynamicSampling, promptCountPerStep } = arm;
  const problems = unknownTasks([...at, 'reward', 'taskWeights'], reward.taskWeights, tasks);
  if (reward.overlong !== undefined && reward.overlong.fromTokenCount >= arm.tokenCountMax) {
    const found = valueText(reward.overlong.fromTokenCount);
    problems.push({ path: [...at, 'reward', 'overlong', 'fromTokenCount'], found, allowed: `< ${arm.tokenCountMax}` });
  }
  if (
    dynamicSampling !== undefined &&
    dynamicSampling.informativeGroupCountMin > promptCountPerStep * dynamicSampling.roundCountMax
  ) {
    const found = valueText(dynamicSampling.informativeGroupCountMin);
    const allowed = `<= ${promptCountPerStep * dynamicSampling.roundCountMax}, the groups of all rounds`;
    problems.push({ path: [...at, 'dynamicSampling', 'informativeGroupCountMin'], found, allowed });
  }
  return problems;
}

/** A task that the recipe does not have is another check's problem. */
function isBalanced({ tasks }: Recipe, name: string): boolean {
  const task = tasks[name];
  return task === undefined || hasClasses(task);
}

function unknownTasks(at: RecipePath, byTask: Readonly<Record<string, unknown>>, tasks: readonly string[]) {
  return Object.keys(byTask).flatMap((task): RecipeProblem[] =>
    tasks.includes(task)
      ? []
      : [{ path: [...at, task], found: 'a task that the arm does not train on', allowed: tasks.join(', ') }],
  );
}
