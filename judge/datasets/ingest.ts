/** From a recipe's datasets to typed examples, with every row that cannot be used quarantined and counted. */
import { required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import type { DatasetSpec, Recipe } from '../../recipes/recipe.ts';
import { trainedTasks } from '../../recipes/task-sets.ts';
import type { Example, QuarantinedRow } from '../example.ts';
import { checkRecipeData } from './check-recipe.ts';
import type { Leak } from './leaks.ts';
import { neededSplits } from './needs.ts';
import { localFiles } from './local-files.ts';
import type { PerceptualHash } from './perceptual-hash.ts';
import { type DatasetRow, readDataset, type TakeImage } from './read-dataset.ts';
import { rejectedRow, type RowPlace, UnusableRow } from './reading.ts';
import { settleExamples } from './settle.ts';
import type { SourceFiles } from './source-files.ts';

export interface Ingestion {
  /** In the order of the recipe's datasets and their rows; ids are unique. */
  readonly examples: readonly Example[];
  /** Those that the sink did not take. */
  readonly quarantined: readonly QuarantinedRow[];
  readonly quarantinedCount: number;
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
  readonly image: TakeImage;
  /** Takes the rows that cannot be used, one by one, so that they need no memory; without it they are returned. */
  readonly quarantined?: (row: QuarantinedRow) => void | Promise<void>;
}

/** The rows of one of the recipe's datasets, batch by batch: read now (read-dataset.ts), or kept from before. */
export type DatasetRows = (spec: DatasetSpec) => AsyncIterable<readonly DatasetRow[]>;

const leaked = new UnusableRow('LEAKED', 'a held-out or unseen example shows the same');

/** What has been taken in so far. */
class Intake {
  readonly examples: Example[] = [];
  readonly quarantined: QuarantinedRow[] = [];
  /** One an example. */
  readonly datasetIndices: number[] = [];
  readonly places: RowPlace[] = [];
  /** Of the images, when the recipe asks for near duplicates; those of one colour have none. */
  readonly hashes = new Map<string, PerceptualHash>();
  quarantinedCount = 0;
  readonly #ids = new Set<string>();
  readonly #recipe: Recipe;
  readonly #quarantined: IngestSink['quarantined'];

  constructor(recipe: Recipe, quarantined: IngestSink['quarantined']) {
    this.#recipe = recipe;
    this.#quarantined = quarantined;
  }

  /** undefined when the row is an example, the row of the table when it is not. */
  async take(row: DatasetRow, datasetIndex: number): Promise<QuarantinedRow | undefined> {
    if ('rejected' in row) return this.#reject(row.rejected);
    const { example, place, hashes = {} } = row;
    for (const [digest, hash] of Object.entries(hashes)) this.hashes.set(digest, hash);
    if (this.#ids.has(example.id))
      return this.#reject(rejectedRow(place, new UnusableRow('DUPLICATE_ID', `an earlier row is ${example.id}`)));
    this.#ids.add(example.id);
    this.examples.push(example);
    this.datasetIndices.push(datasetIndex);
    if (this.#recipe.leaks.action === 'drop') this.places.push(place);
    return undefined;
  }

  /** Of examples that a leak costs: their rows are accounted for as all others are. */
  async drop(indices: readonly number[]): Promise<void> {
    for (const index of indices)
      await this.#reject(rejectedRow(required(this.places[index], 'the place of a dropped example'), leaked));
  }

  async #reject(row: QuarantinedRow): Promise<QuarantinedRow> {
    this.quarantinedCount++;
    await (this.#quarantined?.(row) ?? this.quarantined.push(row));
    return row;
  }
}

/** The rows of one dataset that cannot be used: how many of which kind, and the first. */
class Rejects {
  count = 0;
  #first: QuarantinedRow | undefined;
  readonly #counts = new Map<string, number>();

  add(row: QuarantinedRow): void {
    this.count++;
    this.#first ??= row;
    this.#counts.set(row.code, (this.#counts.get(row.code) ?? 0) + 1);
  }

  checkCeiling(rowCount: number, rateMax: number, where: string): void {
    const first = this.#first;
    if (first === undefined || this.count <= rateMax * rowCount) return;
    const codes = [...this.#counts].map(([code, count]) => `${count} ${code}`).join(', ');
    throw new MtrlError('DATASET_QUARANTINE_CEILING', `${this.count} of ${rowCount} rows cannot be used`, {
      where,
      found: `${codes}; the first: ${first.source} row ${first.row}: ${first.reason}`,
      hint: `correct the rows, or allow more with quarantineRateMax (now ${rateMax})`,
    });
  }
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
  { image, quarantined }: IngestSink,
  onProgress?: (progress: IngestProgress) => void,
  files: SourceFiles = localFiles,
): Promise<Ingestion> {
  const stored = new Set<string>();
  return joinDatasets(recipe, (spec) => readDataset(recipe, spec, files, image, stored), quarantined, onProgress);
}

/** The same of rows that somebody else brings, dataset by dataset. */
export async function joinDatasets(
  recipe: Recipe,
  rowsOf: DatasetRows,
  quarantined?: IngestSink['quarantined'],
  onProgress: (progress: IngestProgress) => void = () => undefined,
): Promise<Ingestion> {
  checkRecipeData(recipe);
  const intake = new Intake(recipe, quarantined);
  for (const [datasetIndex, spec] of recipe.datasets.entries()) {
    const rejects = new Rejects();
    let rowCount = 0;
    for await (const rows of rowsOf(spec)) {
      rowCount += rows.length;
      for (const row of rows) {
        const rejected = await intake.take(row, datasetIndex);
        if (rejected !== undefined) rejects.add(rejected);
      }
      onProgress({
        datasetIndex,
        datasetCount: recipe.datasets.length,
        exampleCount: intake.examples.length,
        quarantinedCount: intake.quarantinedCount,
      });
    }
    rejects.checkCeiling(rowCount, recipe.quarantineRateMax, `datasets[${datasetIndex}]`);
  }
  const { examples, leaks, dropped } = settleExamples(recipe, intake);
  await intake.drop(dropped);
  checkNeeded(recipe, examples);
  checkRationales(recipe, examples);
  return { examples, quarantined: intake.quarantined, quarantinedCount: intake.quarantinedCount, leaks };
}
