/** Every arm against every arm before it, task by task, on the same examples; corrected for how many tasks are tested. */
import { Rng } from '../../core/rng.ts';
import type { ClusteredOutcome } from './statistics/bootstrap.ts';
import { holmAdjusted } from './statistics/holm.ts';
import { mcNemar } from './statistics/mcnemar.ts';
import { pairedBootstrap } from './statistics/paired-bootstrap.ts';

/** A run of a report, by which arms are told apart and runs paired. */
interface TestedRun {
  readonly runName: string;
  readonly arm: string;
  readonly seed: number;
}

/** What a run answered, by task; outcomes in the dataset's order. */
export type OutcomesByTask = ReadonlyMap<string, readonly ClusteredOutcome[]>;

/** One run against another on one task. P-values are two-sided; `holm…` are corrected over the tasks that these two runs share. */
export interface TaskTest {
  readonly task: string;
  /** Macro-F1 of the run minus that of the other, with its 95 % interval, by the paired cluster bootstrap. */
  readonly difference: number;
  readonly ci95: readonly [number, number];
  readonly p: number;
  readonly holmP: number;
  readonly taskCount: number;
  /** McNemar's exact test of accuracy: it takes examples for independent. */
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
  readonly labelsOf: (task: string) => readonly string[];
  readonly resampleCount: number;
  readonly seed: number;
}

/**
 * Runs of different arms are tested where they have the same seed, or where one arm has one run only. `runs` are in the
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

/** Two runs on every task that both answered. `turn` is awaited after each. */
export async function taskTests(
  run: OutcomesByTask,
  other: OutcomesByTask,
  { labelsOf, resampleCount, seed }: TaskTestSettings,
  turn: () => Promise<void>,
): Promise<TaskTest[]> {
  const found = [];
  for (const [task, ours] of run) {
    const theirs = other.get(task);
    if (theirs === undefined || theirs.length !== ours.length || ours.length === 0) continue;
    const rng = new Rng('paired bootstrap', seed, task);
    const compared = pairedBootstrap(ours, theirs, labelsOf(task), resampleCount, rng);
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
