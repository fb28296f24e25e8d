/** The recipe over guessed tasks, tried on sampled rows before it is written. */
import { checkRecipeData } from '../../judge/datasets/check-recipe.ts';
import type { GuessedTask } from '../../judge/datasets/inspection/guesses/guess-task.ts';
import { planRecipe, type RecipePlan } from '../../judge/datasets/inspection/plan/recipe-plan.ts';
import {
  isMade,
  madeSplits,
  withMadeSplit,
  withoutTraining,
} from '../../judge/datasets/inspection/plan/source-splits.ts';
import { isSplitFull } from '../../judge/datasets/inspection/plan/split-trial.ts';
import { isOodFile } from '../../judge/datasets/inspection/plan/split-words.ts';
import { type Trial, tryRows } from '../../judge/datasets/inspection/plan/trial.ts';
import type { SourceFiles } from '../../judge/datasets/sources/source-files.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { Recipe, RowsSpec } from '../../recipes/recipe.ts';
import { allowedRate, type DraftSettings, thisMachine } from './draft-settings.ts';

export interface DraftRecipe extends RecipePlan {
  /** With splits that have rows. */
  readonly tasks: readonly GuessedTask[];
  /** For each task: what its sampled rows make. */
  readonly trials: readonly Trial[];
}

export async function draftRecipe(
  given: readonly GuessedTask[],
  { name, placeOf }: DraftSettings,
  files: SourceFiles,
): Promise<DraftRecipe> {
  const shared = { name, machine: thisMachine() };
  const guessed = given.map((task) => (isUnseen(task) && !given.every(isUnseen) ? untrained(task) : task));
  const parsed = parseRecipe(planRecipe(guessed, { ...shared, placeOf: (path) => path }).recipe);
  checkRecipeData(parsed);
  const trials = await trialsOf(guessed, parsed, files);
  const tasks = guessed.map((task, i) => withFullSplits(task, trials[i]));
  return { ...planRecipe(tasks, { ...shared, placeOf, quarantineRateMax: allowedRate(trials) }), tasks, trials };
}

/** The sampled rows of a table are those of all its files, so one of its datasets is tried. */
async function trialsOf(tasks: readonly GuessedTask[], recipe: Recipe, files: SourceFiles): Promise<Trial[]> {
  const datasets = recipe.datasets.filter((each): each is RowsSpec => each.reader !== 'judge-world');
  const trials: Trial[] = [];
  for (const { seen } of tasks) {
    const dataset = datasets.find(({ path }) => seen.facts.sources.some((source) => source.path === path));
    if (dataset !== undefined) trials.push(await tryRows(recipe, dataset, seen.facts, files));
  }
  return trials;
}

/** Whether all files are named as data that is never trained on. */
const isUnseen = ({ seen }: GuessedTask): boolean => seen.facts.sources.every(({ path }) => isOodFile(path));

function untrained(task: GuessedTask): GuessedTask {
  return { ...task, splits: withoutTraining(task.splits, 'Its file names say that nothing is trained on them') };
}

/** The first of the splits by seed in which each split has examples. */
function withFullSplits(task: GuessedTask, trial: Trial | undefined): GuessedTask {
  const { splits } = task;
  if (trial === undefined || !isMade(splits)) return task;
  const full = madeSplits.find((split) => isSplitFull(trial.examples, split));
  const found = full === undefined ? withoutTraining(splits, reason) : withMadeSplit(splits, full);
  return { ...task, splits: found };
}

const reason = 'Pictures or groups tie nearly all rows together, so that no split could be drawn';
