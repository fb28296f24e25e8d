/**
 * What may be claimed of two arms, from their intervals alone: a difference where the intervals of all their runs lie
 * apart, and nothing where they overlap. This is stricter than a paired test, so it claims too little rather than too much.
 */
import { interval, points } from './format.ts';
import type { ReportRun, ReportScores } from './data.ts';

export type Claim = 'higher' | 'lower' | 'none';

export interface TaskComparison {
  readonly task: string;
  readonly ood: boolean;
  readonly claim: Claim;
  /** The first runs' scores, for the sentence. */
  readonly ours: ReportScores;
  readonly theirs: ReportScores;
}

export interface ArmComparison {
  readonly arm: string;
  readonly other: string;
  readonly tasks: readonly TaskComparison[];
}

/** Every arm against every arm before it, the last arm first: that is the one the recipe leads up to. */
export function compareArms(runs: readonly ReportRun[]): readonly ArmComparison[] {
  const arms = [...new Set(runs.map(({ arm }) => arm))];
  return arms
    .flatMap((arm, i) => arms.slice(0, i).map((other) => ({ arm, other, tasks: compareTasks(runs, arm, other) })))
    .reverse();
}

function compareTasks(runs: readonly ReportRun[], arm: string, other: string): readonly TaskComparison[] {
  const scoresOf = (name: string, task: string): readonly ReportScores[] =>
    runs.filter((run) => run.arm === name).flatMap(({ scores }) => scores.filter((score) => score.task === task));
  const tasks = [...new Set(runs.flatMap(({ scores }) => scores.map(({ task }) => task)))];
  return tasks.flatMap((task) => {
    const all = scoresOf(arm, task);
    const allOthers = scoresOf(other, task);
    const [ours] = all;
    const [theirs] = allOthers;
    return ours && theirs ? [{ task, ood: ours.ood, claim: claimOf(all, allOthers), ours, theirs }] : [];
  });
}

function claimOf(ours: readonly ReportScores[], theirs: readonly ReportScores[]): Claim {
  const always = (apart: (a: ReportScores, b: ReportScores) => boolean): boolean =>
    ours.every((a) => theirs.every((b) => apart(a, b)));
  if (always((a, b) => a.ci95[0] > b.ci95[1])) return 'higher';
  return always((a, b) => a.ci95[1] < b.ci95[0]) ? 'lower' : 'none';
}

/** One honest sentence on the trained formats, then one on each unseen task. */
export function comparisonSentences({ arm, other, tasks }: ArmComparison): readonly string[] {
  const seen = tasks.filter(({ ood }) => !ood);
  const unseen = tasks.filter(({ ood }) => ood);
  const sentences = seen.length === 0 ? [] : [`In distribution, ${seenSentence(arm, other, seen)}`];
  return [...sentences, ...unseen.map((task) => unseenSentence(arm, other, task))];
}

function seenSentence(arm: string, other: string, tasks: readonly TaskComparison[]): string {
  const total = tasks.length;
  const parts = (['higher', 'lower'] as const).flatMap((claim) => {
    const number = tasks.filter((task) => task.claim === claim).length;
    return number === 0
      ? []
      : [`${claim} than ${other} on ${String(number)} of ${String(total)} tasks (intervals do not overlap)`];
  });
  const open = tasks.filter(({ claim }) => claim === 'none').map(({ task }) => task);
  if (parts.length === 0)
    return `no difference between ${arm} and ${other} can be claimed on any of ${String(total)} tasks: all intervals overlap.`;
  const rest = open.length === 0 ? '' : `; on ${open.join(', ')} no difference can be claimed`;
  return `${arm} is ${parts.join(' and ')}${rest}.`;
}

function unseenSentence(arm: string, other: string, { task, claim, ours, theirs }: TaskComparison): string {
  const numbers = `${points(ours.macroF1)} (${interval(ours.ci95)}) against ${points(theirs.macroF1)} (${interval(theirs.ci95)})`;
  if (claim === 'none')
    return `On ${task}, which was never trained, no difference can be claimed: ${numbers}; the intervals overlap.`;
  return `On ${task}, which was never trained, ${arm} is ${claim} than ${other}: ${numbers}; the intervals do not overlap.`;
}
