/** From a recipe's datasets to typed examples, with every row that cannot be used quarantined and counted. */
import { MtrlError } from '../../core/errors.ts';
import type { DatasetSpec, Recipe } from '../../recipes/recipe.ts';
import type { Example, QuarantinedRow } from '../example.ts';
import { checkExample } from './check-example.ts';
import { checkRecipeData, taskSpecOf } from './check-recipe.ts';
import { findLeaks, type Leak } from './leaks.ts';
import { neededSplits, trainedTasks } from './needs.ts';
import { readJsonl } from './read-jsonl.ts';
import { readWorld } from './read-world.ts';
import { quarantine, UnusableRow, type ImageSink, type Reading } from './reading.ts';

export interface Ingestion {
  /** In the order of the recipe's datasets and their rows; ids are unique. */
  readonly examples: readonly Example[];
  readonly quarantined: readonly QuarantinedRow[];
  readonly leaks: readonly Leak[];
}

export interface IngestProgress {
  /** 0-based. */
  readonly datasetIndex: number;
  readonly datasetCount: number;
  /** So far, over all datasets. */
  readonly exampleCount: number;
  readonly quarantinedCount: number;
}

export interface IngestSink {
  /** Called once for each distinct image, before the examples that show it are returned. */
  image(sha256: string, bytes: Uint8Array): void | Promise<void>;
}

function onceEach(sink: IngestSink): ImageSink {
  const stored = new Map<string, void | Promise<void>>();
  return (sha256, bytes) => {
    if (!stored.has(sha256)) stored.set(sha256, sink.image(sha256, bytes));
    return stored.get(sha256);
  };
}

function readDataset(recipe: Recipe, spec: DatasetSpec, sink: ImageSink): AsyncGenerator<readonly Reading[]> {
  if (spec.reader === 'judge-world') return readWorld(spec, sink);
  return readJsonl(spec, taskSpecOf(recipe, spec.task, 'datasets'), sink);
}

/** What has been taken in so far. */
class Intake {
  readonly examples: Example[] = [];
  readonly quarantined: QuarantinedRow[] = [];
  readonly #ids = new Set<string>();
  readonly #recipe: Recipe;

  constructor(recipe: Recipe) {
    this.#recipe = recipe;
  }

  take(reading: Reading): void {
    const { outcome } = reading;
    if (outcome instanceof UnusableRow) {
      this.quarantined.push(quarantine(reading, outcome));
      return;
    }
    const problem = this.#problemOf(outcome);
    if (problem !== undefined) {
      this.quarantined.push(quarantine(reading, problem));
      return;
    }
    this.#ids.add(outcome.id);
    this.examples.push(outcome);
  }

  #problemOf(example: Example): UnusableRow | undefined {
    if (this.#ids.has(example.id)) return new UnusableRow('DUPLICATE_ID', `an earlier row is ${example.id}`);
    try {
      checkExample(example, taskSpecOf(this.#recipe, example.task, 'tasks'), this.#recipe.modeWords);
      return undefined;
    } catch (error) {
      if (error instanceof UnusableRow) return error;
      throw error;
    }
  }
}

function countByCode(quarantined: readonly QuarantinedRow[]): string {
  const counts = new Map<string, number>();
  for (const { code } of quarantined) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].map(([code, count]) => `${count} ${code}`).join(', ');
}

function checkCeiling(quarantined: readonly QuarantinedRow[], rowCount: number, rateMax: number, where: string): void {
  const [first] = quarantined;
  if (first === undefined || quarantined.length <= rateMax * rowCount) return;
  throw new MtrlError('DATASET_QUARANTINE_CEILING', `${quarantined.length} of ${rowCount} rows cannot be used`, {
    where,
    found: `${countByCode(quarantined)}; the first: ${first.source} row ${first.row}: ${first.reason}`,
    hint: `correct the rows, or allow more with quarantineRateMax (now ${rateMax})`,
  });
}

function checkNeeded(recipe: Recipe, examples: readonly Example[]): void {
  const present = new Set(examples.map(({ task, split }) => `${task}/${split}`));
  for (const { task, split, where } of neededSplits(recipe)) {
    if (present.has(`${task}/${split}`)) continue;
    throw new MtrlError('DATASET_EMPTY', `no example of task ${task} in split ${split}`, {
      where,
      hint: 'add a dataset for it, or leave the task out',
    });
  }
}

/** Supervised reasoning needs something to imitate. */
function checkRationales(recipe: Recipe, examples: readonly Example[]): void {
  const without = new Set(
    examples.filter(({ split, rationale }) => split === 'train' && rationale === undefined).map(({ task }) => task),
  );
  for (const [name, arm] of Object.entries(recipe.arms)) {
    if (arm.objective !== 'sft' || arm.mode !== 'think') continue;
    const task = trainedTasks(recipe, arm).find((each) => without.has(each));
    if (task === undefined) continue;
    throw new MtrlError('RECIPE_INVALID', `examples of task ${task} have no rationale to teach`, {
      where: `arms.${name}.mode`,
      found: 'think',
      hint: "give the task's dataset a `rationale`, or use mode direct",
    });
  }
}

/**
 * Reads every dataset of the recipe. Paths must be absolute or relative to the working directory.
 * RECIPE_INVALID where datasets, tasks and arms disagree; FILE_MISSING; DATASET_QUARANTINE_CEILING when more than
 * `quarantineRateMax` of a dataset's rows cannot be used; DATASET_EMPTY when what the recipe needs has no example.
 */
export async function ingestDatasets(
  recipe: Recipe,
  sink: IngestSink,
  onProgress: (progress: IngestProgress) => void = () => undefined,
): Promise<Ingestion> {
  checkRecipeData(recipe);
  const intake = new Intake(recipe);
  const storeOnce = onceEach(sink);
  for (const [datasetIndex, spec] of recipe.datasets.entries()) {
    const before = { examples: intake.examples.length, quarantined: intake.quarantined.length };
    for await (const readings of readDataset(recipe, spec, storeOnce)) {
      for (const reading of readings) intake.take(reading);
      const exampleCount = intake.examples.length;
      onProgress({
        datasetIndex,
        datasetCount: recipe.datasets.length,
        exampleCount,
        quarantinedCount: intake.quarantined.length,
      });
    }
    const quarantined = intake.quarantined.slice(before.quarantined);
    const rowCount = intake.examples.length - before.examples + quarantined.length;
    checkCeiling(quarantined, rowCount, recipe.quarantineRateMax, `datasets[${datasetIndex}]`);
  }
  checkNeeded(recipe, intake.examples);
  checkRationales(recipe, intake.examples);
  return { examples: intake.examples, quarantined: intake.quarantined, leaks: findLeaks(intake.examples) };
}
