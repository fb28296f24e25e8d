/** What the runs of one arm answered: by task and seed, one set of outcomes, or several where specialists share a task. */
import { assert } from '../../../core/assert.ts';
import { Rng } from '../../../core/rng.ts';
import type { ClusteredOutcome } from '../statistics/bootstrap.ts';
import { countedScore } from '../statistics/counted-score.ts';
import { clusterRows, resample } from '../statistics/resampling.ts';

export interface ArmRun {
  readonly seed: number;
  /** By task, in dataset order: the same examples in the same order for every run. */
  readonly outcomes: ReadonlyMap<string, readonly ClusteredOutcome[]>;
}

export interface DrawSettings {
  /** By task; empty if its verdicts are no classes. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly resampleCount: number;
  readonly seed: number;
}

/** Macro-F1 of an arm (accuracy where verdicts are no classes) in one column of the table: a row for each seed, in the order of seeds. */
export interface ColumnDraws {
  /** On the examples themselves. */
  readonly points: readonly number[];
  /** On resampled clusters of examples, [seed][draw]. Draw r has the same clusters for every seed and every arm. */
  readonly resampled: readonly Float64Array[];
  /** Judgments of one seed: arms are compared on the same ones. */
  readonly exampleCount: number;
}

export interface ArmDraws {
  readonly seeds: readonly number[];
  readonly tasks: ReadonlyMap<string, ColumnDraws>;
}

/**
 * The draws of an arm on every task that its runs of all seeds were evaluated on. On a task that several runs of a seed
 * share (specialists on an unseen task), the arm's Macro-F1 is the mean of theirs. `turn` is awaited after each task.
 */
export async function armDraws(
  runs: readonly ArmRun[],
  settings: DrawSettings,
  turn: () => Promise<void>,
): Promise<ArmDraws> {
  const seeds = [...new Set(runs.map(({ seed }) => seed))].sort((a, b) => a - b);
  const tasks = [...new Set(runs.flatMap(({ outcomes }) => [...outcomes.keys()]))];
  const found = new Map<string, ColumnDraws>();
  for (const task of tasks) {
    const bySeed = seeds.map((seed) =>
      runs.flatMap((run) => {
        const outcomes = run.seed === seed ? run.outcomes.get(task) : undefined;
        return outcomes === undefined || outcomes.length === 0 ? [] : [outcomes];
      }),
    );
    if (bySeed.some((several) => several.length === 0)) continue;
    const drawn = bySeed.map((several) => several.map((outcomes) => drawsOf(outcomes, task, settings)));
    found.set(task, {
      points: drawn.map((several) => mean(several.map(({ point }) => point))),
      resampled: drawn.map((several) => meanOf(several.map(({ resampled }) => resampled))),
      exampleCount: bySeed[0]?.[0]?.length ?? 0,
    });
    await turn();
  }
  return { seeds, tasks: found };
}

function drawsOf(outcomes: readonly ClusteredOutcome[], task: string, { labels, resampleCount, seed }: DrawSettings) {
  const names = labels[task];
  assert(names !== undefined, `the labels of ${task}`);
  const { rowOf, clusterCount } = clusterRows(outcomes.map(({ clusterKey }) => clusterKey));
  const { width, ...score } = countedScore(names);
  const counts = new Int32Array(clusterCount * width);
  outcomes.forEach((outcome, i) => {
    score.count(counts, (rowOf[i] ?? 0) * width, outcome);
  });
  const statistic = (sums: Float64Array): number => score.ofSums(sums, 0);
  // The stream of the paired tests of two runs, so that one seed gives the same test.
  const rng = new Rng('paired bootstrap', seed, task);
  return { point: score.of(outcomes), resampled: resample({ counts, width }, statistic, resampleCount, rng) };
}

function meanOf(rows: readonly Float64Array[]): Float64Array {
  const [first] = rows;
  assert(first !== undefined, 'the mean of no run');
  return rows.length === 1 ? first : first.map((_, i) => mean(rows.map((row) => row[i] as number)));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
