/** A recipe that includes shipped adapters, where the given files are those that they expect. */
import { checkRecipeData } from '../../judge/datasets/check-recipe.ts';
import { coveringLayouts, planIncluded } from '../../judge/datasets/inspection/plan/included-plan.ts';
import { type KnownLayout, knownLayouts } from '../../judge/datasets/inspection/plan/known-layouts.ts';
import type { RecipePlan } from '../../judge/datasets/inspection/plan/recipe-plan.ts';
import type { Seen } from '../../judge/datasets/inspection/guesses/task-guess.ts';
import { type Trial, tryRows } from '../../judge/datasets/inspection/plan/trial.ts';
import { filesNamed } from '../../judge/datasets/sources/glob.ts';
import type { SourceFiles } from '../../judge/datasets/sources/source-files.ts';
import { withIncludes } from '../../recipes/include.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { Recipe, RowsSpec } from '../../recipes/recipe.ts';
import { shippedAdapters } from '../../recipes/shipped-adapters.ts';
import { hasSplit, tasksOfDataset } from '../../recipes/task-sets.ts';
import { allowedRate, type DraftSettings, thisMachine } from './draft-settings.ts';

export interface AdapterRecipe {
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly comments: RecipePlan['comments'];
  /** File names of the adapters. */
  readonly adapters: readonly string[];
  readonly parsed: Recipe;
  readonly trials: readonly Trial[];
}

/** Above this share of unusable rows, the files are others than the adapter's, or their pictures are missing. */
const unusableShareMax = 0.5;

export function layoutsOf(tables: readonly Seen[]): KnownLayout[] {
  return knownLayouts(
    shippedAdapters(),
    tables.map(({ facts }) => facts),
  );
}

/** Undefined if no adapters read all tables, or if they could not use half of the rows. */
export async function adapterRecipe(
  tables: readonly Seen[],
  { name, placeOf }: DraftSettings,
  files: SourceFiles,
): Promise<AdapterRecipe | undefined> {
  const layouts = coveringLayouts(layoutsOf(tables), tables);
  const dataFolder = layouts?.[0]?.dataFolder;
  if (layouts === undefined || dataFolder === undefined) return undefined;
  const adapters = layouts.map(({ adapter }) => adapter);
  const included = shippedAdapters().filter((adapter) => adapters.includes(adapter.name));
  const shared = { name, machine: thisMachine(), trained: false };
  const written = (include: readonly string[], folder: string, trained: boolean, quarantineRateMax?: number) =>
    planIncluded(tables, { ...shared, include, dataFolder: folder, trained, quarantineRateMax });
  const absolute = included.map(({ file }) => file);
  const first = parsedOf(written(absolute, dataFolder, false).recipe);
  checkRecipeData(first);
  const trials = await trialsOf(first, tables, files);
  if (trials.some((trial) => unusableShare(trial) > unusableShareMax)) return undefined;
  const trained = first.datasets.some((dataset) => isTrainedOn(first, dataset));
  const rate = allowedRate(trials);
  const { recipe, comments } = written(absolute.map(placeOf), placeOf(dataFolder), trained, rate);
  return { recipe, comments, adapters, trials, parsed: parsedOf(written(absolute, dataFolder, trained, rate).recipe) };
}

/** Whether a dataset has rows that arms train on: benchmarks have none. */
function isTrainedOn({ tasks }: Recipe, dataset: Recipe['datasets'][number]): boolean {
  return hasSplit(dataset, 'train') && tasksOfDataset(dataset).some((task) => tasks[task]?.ood === false);
}

/** Includes are absolute paths here, so any file name serves. */
const parsedOf = (recipe: unknown): Recipe => parseRecipe(withIncludes(recipe, 'recipe.yaml'));

function unusableShare({ triedCount, unusable }: Trial): number {
  return [...unusable.values()].reduce((sum, count) => sum + count, 0) / Math.max(1, triedCount);
}

/** Each dataset with the sampled rows of the table that its files are in. */
async function trialsOf(
  { datasets, ...recipe }: Recipe,
  tables: readonly Seen[],
  files: SourceFiles,
): Promise<Trial[]> {
  const trials: Trial[] = [];
  for (const dataset of datasets.filter((each): each is RowsSpec => each.reader !== 'judge-world')) {
    for await (const { name } of filesNamed(files, dataset.path)) {
      const table = tables.find(({ facts }) => facts.sources.some(({ path }) => path === name));
      if (table !== undefined) trials.push(await tryRows(recipe, dataset, table.facts, files));
      break;
    }
  }
  return trials;
}
