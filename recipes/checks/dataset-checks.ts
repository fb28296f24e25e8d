/** Checks of a dataset against its task: candidates, label fields, label maps, thresholds, orders and votes. */
import { candidatesProblem } from '../../judge/kinds/candidate-count.ts';
import { isLabel, kindOf, kindsWhere } from '../../judge/kinds/table.ts';
import type { DatasetSpec, JudgeWorldSpec, Recipe, RowsSpec, TaskSpec } from '../recipe.ts';
import { tasksOfDataset } from '../task-sets.ts';
import { type RecipePath, type RecipeProblem, valueText } from './problem.ts';
import { unknownName } from './unknown-name.ts';
import { voteProblems } from './vote-checks.ts';

export function datasetProblems({ tasks }: Recipe, dataset: DatasetSpec, index: number): RecipeProblem[] {
  const at = ['datasets', index];
  const unknown = tasksOfDataset(dataset).flatMap((task, i) =>
    unknownName(
      dataset.reader === 'judge-world' ? [...at, 'tasks', i] : [...at, 'task'],
      task,
      Object.keys(tasks),
      'task',
    ),
  );
  if (dataset.reader === 'judge-world') return [...unknown, ...renamedProblems([...at, 'as'], dataset)];
  const task = tasks[dataset.task];
  if (task === undefined) return unknown;
  return [
    ...candidateProblems(at, dataset, task),
    ...labelFieldProblems(at, dataset, task),
    ...labelProblems(at, dataset, task),
    ...voteProblems(at, dataset, task),
  ];
}

/** Names that the dataset does not draw would say nothing; two worlds in one task would give two examples one id. */
function renamedProblems(at: RecipePath, { tasks, as = {}, ...dataset }: JudgeWorldSpec): RecipeProblem[] {
  const unknown = Object.keys(as).flatMap((task) => unknownName([...at, task], task, tasks, 'task'));
  const names = tasksOfDataset({ tasks, as, ...dataset });
  const isTwice = new Set(names).size < new Set(tasks).size;
  return isTwice ? [...unknown, { path: at, found: valueText(as), allowed: 'another name for each task' }] : unknown;
}

function candidateProblems(at: RecipePath, { task: name, fields, randomOrderSeed }: RowsSpec, task: TaskSpec) {
  const problems: RecipeProblem[] = [];
  const compared = candidatesProblem(fields, task);
  if (compared !== undefined) {
    const { field, found, allowed } = compared;
    problems.push({ path: [...at, 'fields', field], found: valueText(found), allowed });
  }
  if (randomOrderSeed !== undefined && kindOf(task).candidateCount === undefined) {
    const allowed = `nothing, because ${name} is ${task.kind}`;
    problems.push({ path: [...at, 'randomOrderSeed'], found: valueText(randomOrderSeed), allowed });
  }
  return problems;
}

function labelFieldProblems(at: RecipePath, { task: name, fields }: RowsSpec, task: TaskSpec): RecipeProblem[] {
  const { label } = fields;
  const path = [...at, 'fields', 'label'];
  if (typeof label === 'string') return [];
  if ('always' in label) {
    if (isLabel(task, label.always)) return [];
    return [{ path: [...path, 'always'], found: valueText(label.always), allowed: labelsOf(name, task.labels) }];
  }
  if ('criteria' in label) return criteriaProblems([...path, 'criteria'], label.criteria, task);
  if (kindOf(task).takesTwoLabelFields) return [];
  const takers = kindsWhere((kind) => kind.takesTwoLabelFields).join(', ');
  const allowed = `the name of a row field; greaterOf is for ${takers} tasks`;
  return [{ path, found: valueText(label), allowed }];
}

/** One field for each criterion of the task. */
function criteriaProblems(
  path: RecipePath,
  fields: Readonly<Record<string, string>>,
  { criteria = {} }: TaskSpec,
): RecipeProblem[] {
  const [found, wanted] = [Object.keys(fields), Object.keys(criteria)];
  if (found.length === wanted.length && wanted.every((name) => found.includes(name))) return [];
  const allowed =
    wanted.length > 0 ? `a field for each of ${wanted.join(', ')}` : 'a field, as the task has no criteria';
  return [{ path, found: found.join(', '), allowed }];
}

/** Values and numbers that rows have instead of labels. */
function labelProblems(
  at: RecipePath,
  { task: name, labelMap, labelThresholds = [], fields, each, ranking }: RowsSpec,
  { labels, criteria = {} }: TaskSpec,
): RecipeProblem[] {
  // A criterion may have labels of its own.
  const all = [...labels, ...Object.values(criteria).flatMap((own) => (Array.isArray(own) ? own : []))];
  const named: [RecipePath, string | null][] = [
    ...Object.entries(labelMap).map(([value, label]): [RecipePath, string | null] => [['labelMap', value], label]),
    ...labelThresholds.map(({ label }, i): [RecipePath, string] => [['labelThresholds', i, 'label'], label]),
  ];
  const problems = named.flatMap(([path, label]): RecipeProblem[] =>
    label === null || all.includes(label)
      ? []
      : [{ path: [...at, ...path], found: valueText(label), allowed: labelsOf(name, all) }],
  );
  const hasMap = Object.keys(labelMap).length > 0;
  const isOfFields = typeof fields.label === 'string' || 'criteria' in fields.label;
  if (labelThresholds.length > 0 && (hasMap || !isOfFields)) {
    const allowed = 'labelThresholds with one label field, or one a criterion, and without labelMap';
    const found = hasMap ? 'labelMap too' : valueText(fields.label);
    problems.push({ path: [...at, 'labelThresholds'], found, allowed });
  }
  if (each !== undefined && ranking !== undefined) {
    const allowed = 'nothing, because rows are expanded by ranking';
    problems.push({ path: [...at, 'each'], found: valueText(each), allowed });
  }
  return problems;
}

const labelsOf = (name: string, labels: readonly string[]): string => `a label of ${name}: ${labels.join(', ')}`;
