/**
 * Paired tests of every arm against every earlier arm, by task on the same examples, with Holm correction over the
 * tasks.
 */
import { required } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';
import type { ClusteredOutcome } from './statistics/bootstrap.ts';
import { holmAdjusted } from './statistics/holm.ts';
import { mcNemar } from './statistics/mcnemar.ts';
import { pairedBootstrap } from './statistics/paired-bootstrap.ts';

/** Identity of a run, by which the runs of two arms are paired. */
interface TestedRun {
  readonly runName: string;
  readonly arm: string;
  readonly seed: number;
}

/** Outcomes of a run by task, in dataset order. */
export type OutcomesByTask = ReadonlyMap<string, readonly ClusteredOutcome[]>;

/**
 * Comparison of two runs on one task. P-values are two-sided; `holmP` and `mcNemarHolmP` are corrected over the tasks
 * that both runs share.
 */
export interface TaskTest {
  readonly task: string;
  /**
   * Macro-F1 of this run minus that of the other, of accuracy where verdicts are no classes; `ci95` is its 95 % interval by
   * the paired cluster bootstrap.
   */
  readonly difference: number;
  readonly ci95: readonly [number, number];
  readonly p: number;
  readonly holmP: number;
  readonly taskCount: number;
  /** P-value of McNemar's exact test of accuracy, which assumes independent examples. */
  readonly mcNemarP: number;
  readonly mcNemarHolmP: number;
  readonly onlyThisCorrect: number;
  readonly onlyOtherCorrect: number;
}

export interface PairedTest extends TaskTest {
  readonly arm: string;
  readonly runName: string;
  readonly otherArm: string;
  readonly otherRunName: string;
}

export interface TaskTestSettings {
  /** By task; empty if its verdicts are no classes. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly resampleCount: number;
  readonly seed: number;
}

/**
 * Tests runs of different arms that have the same seed, or where one of the arms has a single run. `runs` are in the
 * recipe's order of arms; `testsOf` compares two of them.
 */
export async function pairedTests<R extends TestedRun>(
  runs: readonly R[],
  testsOf: (run: R, other: R) => Promise<readonly TaskTest[]>,
): Promise<PairedTest[]> {
  const arms = [...new Set(runs.map(({ arm }) => arm))];
  const runsOf = (arm: string): R[] => runs.filter((run) => run.arm === arm);
  const pairs = arms.flatMap((arm, i) =>
    arms.slice(0, i).flatMap((otherArm) =>
      runsOf(arm).flatMap((run) =>
        runsOf(otherArm)
          .filter(({ seed }) => seed === run.seed || runsOf(arm).length === 1 || runsOf(otherArm).length === 1)
          .map((other) => ({ run, other })),
      ),
    ),
  );
  const tests: PairedTest[] = [];
  for (const { run, other } of pairs) {
    const names = { arm: run.arm, runName: run.runName, otherArm: other.arm, otherRunName: other.runName };
    for (const test of await testsOf(run, other)) tests.push({ ...test, ...names });
  }
  return tests;
}

/** Compares two runs on every task that both evaluated. `turn` is awaited after each task. */
export async function taskTests(
  run: OutcomesByTask,
  other: OutcomesByTask,
  { labels, resampleCount, seed }: TaskTestSettings,
  turn: () => Promise<void>,
): Promise<TaskTest[]> {
  const found = [];
  for (const [task, ours] of run) {
    const theirs = other.get(task);
    if (theirs === undefined || theirs.length !== ours.length || ours.length === 0) continue;
    const rng = new Rng('paired bootstrap', seed, task);
    const compared = pairedBootstrap(ours, theirs, required(labels[task], `the labels of ${task}`), resampleCount, rng);
    found.push({ task, ...compared, counts: mcNemar(ours, theirs) });
    await turn();
  }
  const holm = holmAdjusted(found.map(({ p }) => p));
  const mcNemarHolm = holmAdjusted(found.map(({ counts }) => counts.exactP));
  return found.map(({ task, difference, ci95, p, counts }, i) => ({
    ...{ task, difference, ci95, p, holmP: holm[i] ?? 1, taskCount: found.length },
    mcNemarP: counts.exactP,
    mcNemarHolmP: mcNemarHolm[i] ?? 1,
    onlyThisCorrect: counts.onlyFirstCorrect,
    onlyOtherCorrect: counts.onlySecondCorrect,
  }));
}
