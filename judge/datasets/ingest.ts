/** From a recipe's datasets to typed examples, with every row that cannot be used quarantined and counted. */
import { required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import type { DatasetSpec, Recipe } from '../../recipes/recipe.ts';
import type { Example, QuarantinedRow } from '../example.ts';
import { checkExample } from './check-example.ts';
import { checkRecipeData, taskSpecOf } from './check-recipe.ts';
import type { Leak } from './leaks.ts';
import { neededSplits, trainedTasks } from './needs.ts';
import { localFiles } from './local-files.ts';
import { perceptualHash, type PerceptualHash } from './perceptual-hash.ts';
import { readRows } from './read-rows.ts';
import { readWorld } from './read-world.ts';
import { quarantine, UnusableRow, type Reading, type StoredImages, type TakenImage } from './reading.ts';
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
  /** Called once for each distinct image of an example, in the order in which the examples come; the next waits for it. */
  image(sha256: string, bytes: Uint8Array): void | Promise<void>;
  /** Takes the rows that cannot be used, one by one, so that they need no memory; without it they are returned. */
  quarantined?(row: QuarantinedRow): void | Promise<void>;
}

function readDataset(
  recipe: Recipe,
  spec: DatasetSpec,
  files: SourceFiles,
  stored: StoredImages,
): AsyncGenerator<readonly Reading[]> {
  if (spec.reader === 'judge-world') return readWorld(spec);
  return readRows(spec, taskSpecOf(recipe, spec.task, 'datasets'), files, stored);
}

const leaked = new UnusableRow('LEAKED', 'a held-out or unseen example shows the same');

/** What has been taken in so far. */
class Intake {
  readonly examples: Example[] = [];
  readonly quarantined: QuarantinedRow[] = [];
  /** One an example: where it came from. */
  readonly datasetIndices: number[] = [];
  readonly origins: QuarantinedRow[] = [];
  /** Of the images, when the recipe asks for near duplicates; those of one colour have none. */
  readonly hashes = new Map<string, PerceptualHash>();
  /** Digests of the images that the sink has. */
  readonly stored = new Set<string>();
  quarantinedCount = 0;
  readonly #ids = new Set<string>();
  readonly #recipe: Recipe;
  readonly #sink: IngestSink;

  constructor(recipe: Recipe, sink: IngestSink) {
    this.#recipe = recipe;
    this.#sink = sink;
  }

  /** What the row comes to: undefined when it is an example. */
  async take(reading: Reading, datasetIndex: number): Promise<QuarantinedRow | undefined> {
    const { outcome } = reading;
    const problem = outcome instanceof UnusableRow ? outcome : this.#problemOf(outcome);
    if (outcome instanceof UnusableRow || problem !== undefined) {
      const row = quarantine(reading, required(problem, 'the problem'));
      await this.#reject(row);
      return row;
    }
    for (const image of reading.images) await this.#store(image);
    this.#ids.add(outcome.id);
    this.examples.push(outcome);
    this.datasetIndices.push(datasetIndex);
    if (this.#recipe.leaks.action === 'drop') this.origins.push(quarantine(reading, leaked));
    return undefined;
  }

  /** Of examples that a leak costs: their rows are accounted for as all others are. */
  async drop(indices: readonly number[]): Promise<void> {
    for (const index of indices) await this.#reject(required(this.origins[index], 'the row of a dropped example'));
  }

  async #reject(row: QuarantinedRow): Promise<void> {
    this.quarantinedCount++;
    await (this.#sink.quarantined?.(row) ?? this.quarantined.push(row));
  }

  async #store({ sha256, bytes }: TakenImage): Promise<void> {
    if (this.stored.has(sha256)) return;
    const encoded = required(bytes, `image ${sha256}`);
    await this.#sink.image(sha256, encoded);
    if (this.#recipe.leaks.distanceMax !== undefined) {
      const hash = await perceptualHash(encoded);
      if (hash !== undefined) this.hashes.set(sha256, hash);
    }
    this.stored.add(sha256);
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
  sink: IngestSink,
  onProgress: (progress: IngestProgress) => void = () => undefined,
  files: SourceFiles = localFiles,
): Promise<Ingestion> {
  checkRecipeData(recipe);
  const intake = new Intake(recipe, sink);
  for (const [datasetIndex, spec] of recipe.datasets.entries()) {
    const rejects = new Rejects();
    let rowCount = 0;
    for await (const readings of readDataset(recipe, spec, files, intake.stored)) {
      rowCount += readings.length;
      for (const reading of readings) {
        const rejected = await intake.take(reading, datasetIndex);
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
  const { quarantined, quarantinedCount } = intake;
  return { examples, quarantined, quarantinedCount, leaks };
}
