/** Checks across fields: names that must exist elsewhere in the recipe, and data that arms and evaluation need. */
import { imitatesReasons, isTrained } from '../arms.ts';
import { algorithmProblems } from './algorithm-checks.ts';
import { armSetProblems } from './arm-set-checks.ts';
import { datasetProblems } from './dataset-checks.ts';
import { endpointProblems } from './endpoint-checks.ts';
import { guardProblems } from './guard-checks.ts';
import { labelProblems } from './label-checks.ts';
import { judgingProblems } from './judging-checks.ts';
import { type RecipeProblem, valueText } from './problem.ts';
import { promotionProblems } from './promotion-checks.ts';
import type { Recipe } from '../recipe.ts';
import { evaluatedTasks, hasSplit, tasksOfDataset, trainedTasks } from '../task-sets.ts';
import { sectionProblems } from './section-checks.ts';
import { tinkerProblems } from './tinker-checks.ts';
import { unknownName } from './unknown-name.ts';
import { validationProblems } from './validation-checks.ts';

export function crossProblems(recipe: Recipe): RecipeProblem[] {
  return [
    ...labelProblems(recipe),
    ...recipe.datasets.flatMap((dataset, index) => datasetProblems(recipe, dataset, index)),
    ...Object.keys(recipe.arms).flatMap((arm) => armProblems(recipe, arm)),
    ...armSetProblems(recipe),
    ...evaluationProblems(recipe),
    ...listProblems(recipe),
    ...leakProblems(recipe),
    ...judgingProblems(recipe),
    ...algorithmProblems(recipe),
    ...guardProblems(recipe),
    ...promotionProblems(recipe),
    ...endpointProblems(recipe),
    ...sectionProblems(recipe),
    ...validationProblems(recipe),
    ...tinkerProblems(recipe),
  ];
}

function listProblems({ seeds, tasks, arms }: Recipe): RecipeProblem[] {
  const problems: RecipeProblem[] = [];
  if (new Set(seeds).size < seeds.length)
    problems.push({ path: ['seeds'], found: valueText(seeds), allowed: 'seeds that differ' });
  if (Object.keys(tasks).length === 0)
    problems.push({ path: ['tasks'], found: 'no task', allowed: 'at least one task' });
  if (Object.keys(arms).length === 0) problems.push({ path: ['arms'], found: 'no arm', allowed: 'at least one arm' });
  return problems;
}

/** A check of a field that nobody reads would find nothing, whatever the data. */
function leakProblems({ datasets, leaks }: Recipe): RecipeProblem[] {
  const read = new Set(
    datasets.flatMap((dataset) => (dataset.reader === 'judge-world' ? ['caption'] : dataset.fields.prompt)),
  );
  return leaks.textFields.flatMap((field, i): RecipeProblem[] => {
    if (read.has(field)) return [];
    const allowed = `a field in the \`fields.prompt\` of a dataset: ${[...read].join(', ') || 'there is none'}`;
    return [{ path: ['leaks', 'textFields', i], found: valueText(field), allowed }];
  });
}

function armProblems(recipe: Recipe, name: string): RecipeProblem[] {
  const arm = recipe.arms[name];
  if (arm === undefined) return [];
  const problems = (arm.tasks ?? []).flatMap((task, i): RecipeProblem[] => {
    const path = ['arms', name, 'tasks', i];
    if (recipe.tasks[task]?.ood === true) {
      return [{ path, found: valueText(task), allowed: 'a task with ood: false: ood tasks are never trained' }];
    }
    return unknownName(path, task, Object.keys(recipe.tasks), 'task');
  });
  problems.push(...fromProblems(recipe, name));
  const trained = trainedTasks(recipe, arm);
  if (isTrained(arm) && trained.length === 0) {
    problems.push({ path: ['arms', name], found: 'no task to train on', allowed: 'at least one task that is not ood' });
  }
  for (const task of trained) problems.push(...trainingDataProblems(recipe, name, task));
  if (isTrained(arm) && arm.lora !== undefined && arm.optimizer.name === 'muon') {
    const allowed = 'adamw, because only adapters are trained, and Muon is for the matrices inside the model';
    problems.push({ path: ['arms', name, 'optimizer', 'name'], found: valueText('muon'), allowed });
  }
  return problems;
}

function trainingDataProblems(recipe: Recipe, armName: string, task: string): RecipeProblem[] {
  const sources = recipe.datasets.map((dataset, index) => ({ dataset, index }));
  const train = sources.filter(({ dataset }) => hasSplit(dataset, 'train') && tasksOfDataset(dataset).includes(task));
  if (train.length === 0) {
    return [
      {
        path: ['datasets'],
        found: `no train dataset of ${task}, which arm ${armName} trains on`,
        allowed: `an entry with split: train for ${task}`,
      },
    ];
  }
  if (!imitatesReasons(recipe.arms[armName])) return [];
  return train.flatMap(({ dataset, index }) =>
    dataset.reader !== 'judge-world' && dataset.rationale === undefined
      ? [
          {
            path: ['datasets', index, 'rationale'],
            found: 'nothing',
            allowed: `a template, because arm ${armName} is sft in think mode; or mode: direct there`,
          },
        ]
      : [],
  );
}

function fromProblems({ arms }: Recipe, name: string): RecipeProblem[] {
  const path = ['arms', name, 'from'];
  const seen = [name];
  let from = arms[name]?.from;
  if (from === undefined) return [];
  const unknown = unknownName(path, from, Object.keys(arms), 'arm');
  if (unknown.length > 0) return unknown;
  while (from !== undefined) {
    if (from === name)
      return [
        {
          path,
          found: `a circle: ${[...seen, from].join(' -> ')}`,
          allowed: 'a chain of arms that ends at one without `from`',
        },
      ];
    // A circle that this arm only leads into is reported at the arms in it.
    if (seen.includes(from)) return [];
    seen.push(from);
    from = arms[from]?.from;
  }
  return [];
}

function evaluationProblems(recipe: Recipe): RecipeProblem[] {
  const { split, tasks } = recipe.evaluation;
  const unknown = (tasks ?? []).flatMap((task, i) =>
    unknownName(['evaluation', 'tasks', i], task, Object.keys(recipe.tasks), 'task'),
  );
  const missing = evaluatedTasks(recipe).filter(
    (task) => !recipe.datasets.some((dataset) => hasSplit(dataset, split) && tasksOfDataset(dataset).includes(task)),
  );
  return [
    ...unknown,
    ...evaluationExtraProblems(recipe),
    ...missing.map((task) => ({
      path: ['datasets'],
      found: `no ${split} dataset of ${task}, which evaluation needs`,
      allowed: `an entry with split: ${split} for ${task}, or evaluation.tasks without it`,
    })),
  ];
}

/**
 * Settings per task must name existing tasks and their labels, and a probe that needs text from the recipe must have
 * some.
 */
function evaluationExtraProblems({ tasks, evaluation }: Recipe): RecipeProblem[] {
  const { paraphrases, longerAnswer, rationaleCues, probes } = evaluation;
  const names = Object.keys(tasks);
  const unknown = Object.entries({ paraphrases, longerAnswer, rationaleCues }).flatMap(([field, byTask]) =>
    Object.keys(byTask).flatMap((task) => unknownName(['evaluation', field, task], task, names, 'task')),
  );
  const labels = Object.entries(rationaleCues).flatMap(([task, cues]) =>
    Object.keys(cues)
      .filter((label) => tasks[task]?.labels.includes(label) === false)
      .map((label) => ({
        path: ['evaluation', 'rationaleCues', task, label],
        found: `${valueText(label)}, which is not a label of ${task}`,
        allowed: tasks[task]?.labels.join(', ') ?? '',
      })),
  );
  const needed = [
    ['paraphrase', 'paraphrases', paraphrases],
    ['longer-answer', 'longerAnswer', longerAnswer],
  ] as const;
  const missing = needed
    .filter(([probe, , byTask]) => probes.includes(probe) && Object.keys(byTask).length === 0)
    .map(([probe, field]) => ({
      path: ['evaluation', field],
      found: `nothing, and evaluation.probes asks for ${probe}`,
      allowed: `an entry for at least one task`,
    }));
  return [...unknown, ...labels, ...missing];
}
