/**
 * Scores of arms, and paired tests between them, with seeds as a level of the bootstrap: each draw takes as many seeds
 * as there are, with replacement, and as many clusters of examples. Examples and seeds are crossed, since every seed
 * answers the same examples, so the two are drawn independently (the pigeonhole bootstrap, Owen 2007). With one seed
 * this is the cluster bootstrap of its run.
 */
import { assert } from '../../../core/assert.ts';
import { Rng } from '../../../core/rng.ts';
import { holmAdjusted } from '../statistics/holm.ts';
import { twoSidedP } from '../statistics/paired-bootstrap.ts';
import { intervalAround } from '../statistics/resampling.ts';
import type { ArmDraws, ColumnDraws } from './arm-outcomes.ts';

/** Macro-F1 in [0, 1], of one task or as the mean over tasks. */
export interface ArmScore {
  /** Mean over seeds. */
  readonly value: number;
  readonly ci95: readonly [number, number];
  /** One value a seed. */
  readonly bySeed: readonly number[];
  /** Sample standard deviation between seeds; absent for one seed. */
  readonly seedDeviation?: number;
}

/** A difference between two arms in one column of the table: a task, or the mean over the trained tasks. */
export interface ArmTest {
  readonly arm: string;
  readonly otherArm: string;
  readonly column: string;
  /** Of this arm minus the other. */
  readonly difference: number;
  readonly ci95: readonly [number, number];
  /** Two-sided, see paired-bootstrap.ts. */
  readonly p: number;
  /** Holm's correction over all columns of the two arms. */
  readonly holmP: number;
  readonly columnCount: number;
}

/** Name of the column with the mean over the trained tasks. No task can have it: names have no capitals. */
export const meanColumn = 'MEAN';

/** The arm's tasks, and before the unseen ones the mean over all of `seen`, if the arm has all of them. */
export function columnsOf(arm: ArmDraws, seen: readonly string[]): ReadonlyMap<string, ColumnDraws> {
  const columns = new Map<string, ColumnDraws>(arm.tasks);
  const all = seen.flatMap((task) => arm.tasks.get(task) ?? []);
  if (all.length === seen.length && seen.length > 0) columns.set(meanColumn, meanOver(all));
  return columns;
}

function meanOver(tasks: readonly ColumnDraws[]): ColumnDraws {
  const [first] = tasks;
  assert(first !== undefined, 'a mean over tasks');
  const mean = (valueOf: (task: ColumnDraws) => number): number =>
    tasks.reduce((sum, task) => sum + valueOf(task), 0) / tasks.length;
  return {
    exampleCount: tasks.reduce((sum, { exampleCount }) => sum + exampleCount, 0),
    points: first.points.map((_, seed) => mean(({ points }) => points[seed] as number)),
    resampled: first.resampled.map((row, seed) =>
      row.map((_, draw) => mean(({ resampled }) => resampled[seed]?.[draw] as number)),
    ),
  };
}

export function armScore({ points, resampled }: ColumnDraws, seed: number): ArmScore {
  const value = meanOfNumbers(points);
  const deviation = Math.sqrt(points.reduce((sum, point) => sum + (point - value) ** 2, 0) / (points.length - 1));
  return {
    value,
    ci95: intervalAround(value, overSeeds(resampled, seed).sort()),
    bySeed: points,
    ...(points.length > 1 && { seedDeviation: deviation }),
  };
}

interface ComparedArm {
  readonly arm: string;
  readonly seeds: readonly number[];
  readonly columns: ReadonlyMap<string, ColumnDraws>;
}

/**
 * Tests of two arms in every column that both have. Arms with the same seeds are paired by seed: each draw takes the
 * same seeds of both.
 */
export function armTests(first: ComparedArm, second: ComparedArm, seed: number): ArmTest[] {
  const isPaired = first.seeds.join() === second.seeds.join();
  const found = [...first.columns].flatMap(([column, ours]) => {
    const theirs = second.columns.get(column);
    if (theirs?.exampleCount !== ours.exampleCount) return [];
    const mine = overSeeds(ours.resampled, seed);
    // Arms with other seeds are drawn by a stream of their own.
    const other = overSeeds(theirs.resampled, seed, isPaired ? 'paired' : 'other');
    const differences = mine.map((value, i) => value - (other[i] as number)).sort();
    const difference = meanOfNumbers(ours.points) - meanOfNumbers(theirs.points);
    return [{ column, difference, ci95: intervalAround(difference, differences), p: twoSidedP(differences) }];
  });
  const holm = holmAdjusted(found.map(({ p }) => p));
  return found.map((test, i) => ({
    ...{ arm: first.arm, otherArm: second.arm, ...test },
    ...{ holmP: holm[i] ?? 1, columnCount: found.length },
  }));
}

/** The mean over drawn seeds, for every draw of examples. */
function overSeeds(rows: readonly Float64Array[], seed: number, stream = 'paired'): Float64Array {
  const [first] = rows;
  assert(first !== undefined, 'an arm without a run');
  if (rows.length === 1) return Float64Array.from(first);
  const rng = new Rng('seed bootstrap', seed, stream);
  const words = new Uint32Array(rows.length);
  return first.map((_, draw) => {
    rng.fill(words);
    let sum = 0;
    for (const word of words) sum += rows[Math.floor((word / 2 ** 32) * rows.length)]?.[draw] as number;
    return sum / rows.length;
  });
}

function meanOfNumbers(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
