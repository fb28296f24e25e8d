/**
 * Claims about two arms. A difference of Macro-F1 is claimed if the paired bootstrap finds it on the same examples in
 * every pair of their runs, after Holm correction over the tasks tested. Otherwise, or without a test, nothing is
 * claimed.
 */
import type { PairedTest } from '../evaluation/paired-tests.ts';
import type { ReportRun, ReportScores } from './data.ts';
import { interval, pValue, points } from './format.ts';

export type Claim = 'higher' | 'lower' | 'none';

/** Family-wise error rate over the tasks of one comparison. */
const falseClaimRate = 0.05;

export interface TaskComparison {
  readonly task: string;
  readonly ood: boolean;
  readonly claim: Claim;
  /** Scores of the first run of each arm, quoted in the sentence. */
  readonly ours: ReportScores;
  readonly theirs: ReportScores;
  /** Tests of every pair of runs; empty if none were made. */
  readonly tests: readonly PairedTest[];
}

export interface ArmComparison {
  readonly arm: string;
  readonly other: string;
  readonly tasks: readonly TaskComparison[];
}

/** Compares every arm with every earlier arm; the last arm comes first, because the recipe leads up to it. */
export function compareArms(runs: readonly ReportRun[], tests: readonly PairedTest[]): readonly ArmComparison[] {
  const arms = [...new Set(runs.map(({ arm }) => arm))];
  return arms
    .flatMap((arm, i) =>
      arms.slice(0, i).map((other) => {
        const between = tests.filter((test) => test.arm === arm && test.otherArm === other);
        return { arm, other, tasks: compareTasks(runs, arm, other, between) };
      }),
    )
    .reverse();
}

function compareTasks(
  runs: readonly ReportRun[],
  arm: string,
  other: string,
  between: readonly PairedTest[],
): readonly TaskComparison[] {
  const scoresOf = (name: string, task: string): ReportScores | undefined =>
    runs.filter((run) => run.arm === name).flatMap(({ scores }) => scores.filter((score) => score.task === task))[0];
  const tasks = [...new Set(runs.flatMap(({ scores }) => scores.map(({ task }) => task)))];
  return tasks.flatMap((task) => {
    const [ours, theirs] = [scoresOf(arm, task), scoresOf(other, task)];
    const tests = between.filter((test) => test.task === task);
    return ours && theirs ? [{ task, ood: ours.ood, claim: claimOf(tests), ours, theirs, tests }] : [];
  });
}

function claimOf(tests: readonly PairedTest[]): Claim {
  if (tests.length === 0 || tests.some(({ holmP }) => holmP >= falseClaimRate)) return 'none';
  if (tests.every(({ difference }) => difference > 0)) return 'higher';
  return tests.every(({ difference }) => difference < 0) ? 'lower' : 'none';
}

/** Whether McNemar's test of accuracy supports the claim in every pair of runs. */
function mcNemarAgrees({ claim, tests }: TaskComparison): boolean {
  return tests.every(({ mcNemarHolmP, onlyThisCorrect, onlyOtherCorrect }) => {
    const isHigher = onlyThisCorrect > onlyOtherCorrect;
    return mcNemarHolmP < falseClaimRate && isHigher === (claim === 'higher');
  });
}

/** One sentence on all trained tasks, then one on each unseen task. */
export function comparisonSentences({ arm, other, tasks }: ArmComparison): readonly string[] {
  const seen = tasks.filter(({ ood }) => !ood);
  const unseen = tasks.filter(({ ood }) => ood);
  const sentences = seen.length === 0 ? [] : [`In distribution, ${seenSentence(arm, other, seen)}`];
  return [...sentences, ...unseen.map((task) => unseenSentence(arm, other, task))];
}

function seenSentence(arm: string, other: string, tasks: readonly TaskComparison[]): string {
  const total = tasks.length;
  const claimed = tasks.filter(({ claim }) => claim !== 'none');
  const parts = (['higher', 'lower'] as const).flatMap((claim) => {
    const number = claimed.filter((task) => task.claim === claim).length;
    return number === 0 ? [] : [`${claim} than ${other} on ${String(number)} of ${String(total)} tasks`];
  });
  if (parts.length === 0)
    return `no difference between ${arm} and ${other} can be claimed on any of ${String(total)} tasks: ${whyNone(tasks)}.`;
  const agreeing = claimed.filter(mcNemarAgrees).length;
  const how = `paired bootstrap, p < .05 after Holm; McNemar agrees on ${String(agreeing)}`;
  const open = tasks.filter(({ claim }) => claim === 'none').map(({ task }) => task);
  const rest = open.length === 0 ? '' : `; no difference can be claimed on ${open.join(', ')}`;
  return `${arm} is ${parts.join(' and ')} (${how})${rest}.`;
}

function whyNone(tasks: readonly TaskComparison[]): string {
  return tasks.every(({ tests }) => tests.length === 0) ? 'they were not tested' : 'no paired test finds one';
}

function unseenSentence(arm: string, other: string, comparison: TaskComparison): string {
  const { task, claim, ours, theirs, tests } = comparison;
  const numbers = [ours, theirs]
    .map(({ macroF1, ci95, accuracy }) =>
      macroF1 === undefined ? `accuracy ${points(accuracy)}` : `${points(macroF1)} (${interval(ci95)})`,
    )
    .join(' against ');
  const [first] = tests;
  const tested =
    first === undefined
      ? 'they were not tested'
      : `difference ${points(first.difference)} (${interval(first.ci95)}), p ${pValue(first.holmP)} by the paired bootstrap, McNemar p ${pValue(first.mcNemarHolmP)}, Holm over ${String(first.taskCount)} tasks`;
  const what = claim === 'none' ? 'no difference can be claimed' : `${arm} is ${claim} than ${other}`;
  return `On ${task}, which was never trained, ${what}: ${numbers}; ${tested}.`;
}
