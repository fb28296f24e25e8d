/**
 * Checks of a recipe that need more of judging than its schema knows: templates, labels as answers, and the tasks of the
 * judge world. What fields say of each other is checked when a recipe is read (recipes/checks). RECIPE_INVALID names the
 * place.
 */
import { MtrlError } from '../../core/errors.ts';
import type { JudgeWorldSpec, Recipe, RowsSpec, TaskSpec } from '../../recipes/recipe.ts';
import { kindOf, sampleLabels } from '../kinds/table.ts';
import { targetText } from '../tasks/completion.ts';
import { readVerdict } from '../tasks/read-verdict.ts';
import { compileTemplate } from '../tasks/template.ts';
import { declaredTask, isWorldTask, worldTaskNames } from '../worlds/world-tasks.ts';

/** The declared task of this name. RECIPE_INVALID if there is none. */
export function taskSpecOf(recipe: Pick<Recipe, 'tasks'>, task: string, where: string): TaskSpec {
  const spec = Object.hasOwn(recipe.tasks, task) ? recipe.tasks[task] : undefined;
  if (spec !== undefined) return spec;
  throw invalid(where, `the task ${task} is not declared`, task, `one of ${Object.keys(recipe.tasks).join(', ')}`);
}

function invalid(where: string, message: string, found: string, hint: string): MtrlError {
  return new MtrlError('RECIPE_INVALID', message, { where, found, hint });
}

function checkTemplate(where: string, text: string): void {
  try {
    compileTemplate(text);
  } catch (cause) {
    throw new MtrlError('RECIPE_INVALID', cause instanceof Error ? cause.message : String(cause), {
      where,
      found: text.slice(0, 200),
      cause,
    });
  }
}

function checkWorld(recipe: Recipe, spec: JudgeWorldSpec, where: string): void {
  for (const name of spec.tasks) {
    const named = spec.as?.[name] ?? name;
    const task = taskSpecOf(recipe, named, `${where}.tasks`);
    if (!isWorldTask(name)) {
      throw invalid(
        `${where}.tasks`,
        `the judge world has no task ${name}`,
        name,
        `one of ${worldTaskNames.join(', ')}`,
      );
    }
    const { kind, labels, criteria } = declaredTask(name);
    if (task.kind !== kind)
      throw invalid(`tasks.${named}.kind`, `the judge world's ${name} is ${kind}`, task.kind, kind);
    // The order of yes and no does not matter; that of labels that are positions does.
    const agrees = kindOf(task).labelsArePlaces
      ? task.labels.join() === labels.join()
      : labels.every((label) => task.labels.includes(label));
    if (!agrees)
      throw invalid(
        `tasks.${named}.labels`,
        `the judge world's ${name} has other labels`,
        task.labels.join(', '),
        labels.join(', '),
      );
    if (JSON.stringify(task.criteria) !== JSON.stringify(criteria))
      throw invalid(
        `tasks.${named}.criteria`,
        `the judge world's ${name} has other criteria`,
        JSON.stringify(task.criteria ?? null),
        JSON.stringify(criteria ?? null),
      );
  }
}

function checkRationale({ rationale }: RowsSpec, where: string): void {
  if (typeof rationale === 'string') checkTemplate(`${where}.rationale`, rationale);
  else for (const [name, text] of Object.entries(rationale ?? {})) checkTemplate(`${where}.rationale.${name}`, text);
}

/** Rejects labels that an answer cannot carry, since every judgment would be unparsable. */
function checkLabels(name: string, task: TaskSpec): void {
  const where = `tasks.${name}.labels`;
  for (const label of sampleLabels(task)) {
    const text = targetText({ id: name, label }, 'direct', task.verdictFormat);
    const judgment = readVerdict({ text, finishReason: 'stop' }, task, 'direct');
    if (judgment.ok && judgment.verdict === label) continue;
    throw invalid(
      where,
      'an answer cannot carry this label',
      label,
      'a label without tags and without surrounding white space',
    );
  }
}

export function checkRecipeData(recipe: Recipe): void {
  for (const [name, task] of Object.entries(recipe.tasks)) {
    checkTemplate(`tasks.${name}.prompt`, task.prompt);
    checkLabels(name, task);
  }
  recipe.datasets.forEach((spec, i) => {
    if (spec.reader === 'judge-world') checkWorld(recipe, spec, `datasets[${i}]`);
    else checkRationale(spec, `datasets[${i}]`);
  });
}
