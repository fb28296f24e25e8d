/**
 * Joins the datasets of a recipe. Unusable rows are quarantined and counted, examples are passed on as they are read,
 * and only what must be known of all examples at once is held (row-facts.ts).
 */
import { required } from '../../../core/assert.ts';
import { MtrlError } from '../../../core/errors.ts';
import { imitatesReasons } from '../../../recipes/arms.ts';
import type { DatasetSpec, Recipe } from '../../../recipes/recipe.ts';
import { hasSplit, tasksOfDataset, trainedTasks } from '../../../recipes/task-sets.ts';
import type { Example, LeftOutRow, QuarantinedRow } from '../../example.ts';
import { checkRecipeData } from '../check-recipe.ts';
import { type Leak, type LeakingRows, listedRows, namedLeak } from './leaks.ts';
import { neededSplits } from '../needs.ts';
import { type Pools, poolsOf } from './pools.ts';
import { type RowClasses, rowClassesOf } from './row-classes.ts';
import type { DatasetRow } from '../read-dataset.ts';
import { type RejectedRow, rejectedRow, type RowPlace, UnusableRow } from '../reading.ts';
import { RowFacts } from '../rows/row-facts.ts';
import { Rejects, reasonsText } from './rejects.ts';
import { settleRows } from './settle.ts';
import type { SplitColumn } from '../rows/split-column.ts';

export interface IngestProgress {
  /** 0-based. */
  readonly datasetIndex: number;
  readonly datasetCount: number;
  /** Count so far, over all datasets. */
  readonly exampleCount: number;
  readonly quarantinedCount: number;
}

/**
 * The rows of one of the recipe's datasets, in batches: read from its files (read-dataset.ts), or stored by an earlier
 * reading.
 */
export type DatasetRows = (spec: DatasetSpec) => AsyncIterable<readonly DatasetRow[]>;

/** Receives what is read, one item at a time, so that it needs no memory here. */
export interface RowSink {
  readonly quarantined: (row: QuarantinedRow) => void | Promise<void>;
  readonly leftOut?: (row: LeftOutRow) => void;
  /**
   * Receives examples in the order of the recipe's datasets and their rows; the first is row 0. Ids are unique; the
   * split is the reader's, before splits are settled.
   */
  readonly example: (example: Example) => void | Promise<void>;
  /** Ids of the received examples at any rows in ascending order. */
  readonly idsAt: (rows: Uint32Array) => Promise<readonly string[]>;
  /** Receives the place of each example, in order; only if leaking examples are dropped. */
  readonly place: (place: RowPlace) => void | Promise<void>;
  /** All places again, in the same order. */
  readonly places: () => AsyncIterable<RowPlace> | Iterable<RowPlace>;
}

export interface JoinedDatasets extends Pools {
  /** Examples that were not dropped. */
  readonly exampleCount: number;
  /** Distinct images that the examples show. */
  readonly imageCount: number;
  readonly quarantinedCount: number;
  readonly leftOutCount: number;
  readonly leaks: readonly Leak[];
  readonly classes: RowClasses;
  /** The final splits. */
  readonly splits: SplitColumn;
}

const leaked = new UnusableRow('LEAKED', 'a held-out or unseen example has the same image or text');

/**
 * Joins the datasets. RECIPE_INVALID if datasets, tasks and arms disagree; DATASET_QUARANTINE_CEILING if more than
 * `quarantineRateMax` of a dataset's rows cannot be used; DATASET_EMPTY if a split that the recipe requires has no
 * example.
 */
export async function joinDatasets(
  recipe: Recipe,
  rowsOf: DatasetRows,
  sink: RowSink,
  onProgress: (progress: IngestProgress) => void = () => undefined,
): Promise<JoinedDatasets> {
  checkRecipeData(recipe);
  const intake = new Intake(recipe, sink);
  const rejectsOf: Rejects[] = [];
  for (const [datasetIndex, spec] of recipe.datasets.entries()) {
    const rejects = new Rejects();
    rejectsOf.push(rejects);
    for await (const rows of rowsOf(spec)) {
      rejects.rowCount += rows.length;
      for (const row of rows) {
        const rejected = await intake.take(row, datasetIndex);
        if (rejected !== undefined) rejects.add(rejected);
      }
      const { facts, quarantinedCount } = intake;
      onProgress({
        ...{ datasetIndex, datasetCount: recipe.datasets.length },
        ...{ exampleCount: facts.rowCount, quarantinedCount },
      });
    }
    rejects.checkCeiling(recipe.quarantineRateMax, `datasets[${datasetIndex}]`);
  }
  const { facts } = intake;
  facts.end();
  const { splits, leaks } = settleRows(recipe, facts);
  const named = await namesOf(leaks, sink);
  await intake.drop(splits);
  const pools = poolsOf(facts, splits);
  checkNeeded(recipe, pools, rejectsOf);
  checkRationales(recipe, facts, splits);
  return {
    ...pools,
    exampleCount: pools.pools.reduce((sum, { exampleCount }) => sum + exampleCount, 0),
    imageCount: shownImageCount(facts, splits),
    quarantinedCount: intake.quarantinedCount,
    leftOutCount: intake.leftOutCount,
    leaks: named,
    classes: rowClassesOf(recipe, facts, splits),
    splits,
  };
}

/** The rows taken so far. */
class Intake {
  readonly facts: RowFacts;
  quarantinedCount = 0;
  leftOutCount = 0;
  readonly #recipe: Recipe;
  readonly #sink: RowSink;

  constructor(recipe: Recipe, sink: RowSink) {
    this.facts = new RowFacts(recipe);
    this.#recipe = recipe;
    this.#sink = sink;
  }

  /** Takes a row. Returns undefined if it is an example, else why it is none. */
  async take(row: DatasetRow, datasetIndex: number): Promise<RejectedRow | undefined> {
    if ('rejected' in row) return this.#reject(row.rejected);
    const { example, place, hashes = {} } = row;
    for (const [digest, hash] of Object.entries(hashes)) this.facts.hashes.set(digest, hash);
    if (!this.facts.add(example, datasetIndex))
      return this.#reject(
        rejectedRow(place, new UnusableRow('DUPLICATE_ID', `an earlier row has the id ${example.id}`)),
      );
    await this.#sink.example(example);
    if (this.#recipe.leaks.action === 'drop') await this.#sink.place(place);
    return undefined;
  }

  /** Quarantines the examples that were dropped because of leaks, so that their rows are counted like all others. */
  async drop(splits: SplitColumn): Promise<void> {
    if (this.#recipe.leaks.action !== 'drop') return;
    let row = 0;
    for await (const place of this.#sink.places())
      if (splits.at(row++) === undefined) await this.#reject(rejectedRow(place, leaked));
  }

  async #reject(row: RejectedRow): Promise<RejectedRow> {
    if (row.code === 'LEFT_OUT') {
      this.leftOutCount++;
      this.#sink.leftOut?.(row);
      return row;
    }
    this.quarantinedCount++;
    await this.#sink.quarantined(row);
    return row;
  }
}

async function namesOf(leaks: readonly LeakingRows[], sink: RowSink): Promise<Leak[]> {
  const rows = Uint32Array.from(new Set(leaks.flatMap(listedRows))).sort();
  if (rows.length === 0) return [];
  const ids = await sink.idsAt(rows);
  const idOf = new Map(ids.map((id, i) => [rows[i], id]));
  return leaks.map((leak) => namedLeak(leak, (row) => required(idOf.get(row), `the id of row ${row}`)));
}

function checkNeeded(recipe: Recipe, { pools }: Pools, rejectsOf: readonly Rejects[]): void {
  const present = new Set(pools.map(({ task, split }) => `${task}/${split}`));
  for (const { task, split, where } of neededSplits(recipe)) {
    if (present.has(`${task}/${split}`)) continue;
    const sources = rejectsOf.filter((_, i) => {
      const spec = recipe.datasets[i];
      return spec !== undefined && tasksOfDataset(spec).includes(task) && hasSplit(spec, split);
    });
    const reasons = reasonsText(sources);
    throw new MtrlError('DATASET_EMPTY', `no example of task ${task} in split ${split}: ${reasons.summary}`, {
      where,
      ...(reasons.first !== undefined && { found: reasons.first }),
      hint: 'correct the rows or the mapping, add a dataset for it, or leave the task out',
    });
  }
}

/** Requires a rationale for every training example of the arms that imitate rationales. */
function checkRationales(recipe: Recipe, facts: RowFacts, splits: SplitColumn): void {
  const without = new Set<string>();
  for (let row = 0; row < facts.rowCount; row++) {
    const { task, hasRationale } = facts.kindOf(row);
    if (!hasRationale && splits.at(row) === 'train') without.add(task);
  }
  for (const [name, arm] of Object.entries(recipe.arms)) {
    if (!imitatesReasons(arm)) continue;
    const task = trainedTasks(recipe, arm).find((each) => without.has(each));
    if (task === undefined) continue;
    throw new MtrlError('RECIPE_INVALID', `examples of task ${task} have no rationale to teach`, {
      where: `arms.${name}.mode`,
      found: 'think',
      hint: "give the task's dataset a `rationale`, or use mode direct",
    });
  }
}

function shownImageCount({ images }: RowFacts, splits: SplitColumn): number {
  const isShown = new Uint8Array(images.keyCount);
  images.each((row, key) => {
    if (splits.at(row) !== undefined) isShown[key] = 1;
  });
  return isShown.reduce((sum, shown) => sum + shown, 0);
}
