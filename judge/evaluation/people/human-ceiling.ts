/**
 * The human ceiling: each person's vote in turn is a verdict, and the label is made of the votes of the others. The judge
 * is compared with the same labels, so that both figures are of one standard. A judge can exceed one person, whose votes
 * have noise of their own.
 */
import type { KindedTask } from '../../../recipes/fields/task-fields.ts';
import type { VoteCount } from '../../example.ts';
import { nearestLabel } from '../../kinds/label-numbers.ts';
import { kindOf } from '../../kinds/table.ts';
import { accuracyOf } from '../accuracy.ts';
import { cohenKappa } from '../cohen-kappa.ts';
import { macroF1 } from '../macro-f1.ts';
import type { Metric } from '../metric.ts';
import type { Outcome } from '../outcome.ts';
import { pearson } from '../statistics/pearson.ts';
import { type ClusterCounts, clusterRows, intervalAround, resample } from '../statistics/resampling.ts';
import { votedExamples } from './voted-examples.ts';

export interface AgreementScores {
  readonly macroF1: number;
  readonly accuracy: number;
  /** Absent if agreement by chance is 1. */
  readonly cohenKappa?: number;
  /** Score tasks: with the mean of the others, over the answers that are numbers. */
  readonly pearson?: number;
  readonly meanAbsoluteError?: number;
}

export interface HumanCeiling {
  /** Examples with at least two votes, of which the others' decide something. Each has the same weight. */
  readonly exampleCount: number;
  /** One person against the others. An abstention is wrong. */
  readonly person: AgreementScores;
  /** The judge against the same others, in the order of the row. */
  readonly judge: AgreementScores;
  /** Accuracy of the judge minus that of one person, with its 95 % interval by the cluster bootstrap. */
  readonly difference: { readonly accuracy: number; readonly ci95: readonly [number, number] };
}

interface CeilingScores {
  /** Present if examples have votes of several people. */
  readonly humanCeiling?: HumanCeiling;
}

export const humanCeilingScores: Metric<CeilingScores> = ({ judged, task, resampleCount, rng }) => {
  const rows = votedExamples(judged).flatMap(({ example, votes, judgment }): HeldOutRow[] => {
    const people = heldOutVotes(votes, task);
    const verdict = judgment.ok ? String(judgment.score ?? judgment.verdict) : null;
    const judge = people.map((one) => ({ ...one, vote: verdict }));
    return people.length === 0 ? [] : [{ people, judge, clusterKey: example.groupKey }];
  });
  if (rows.length === 0) return undefined;
  const agreement = (verdictsOf: (row: HeldOutRow) => readonly HeldOutVote[]): AgreementScores =>
    agreementOf(rows.flatMap(verdictsOf), task);
  const [person, judge] = [agreement(({ people }) => people), agreement((row) => row.judge)];
  const accuracy = judge.accuracy - person.accuracy;
  const resamples = resample(
    accuracyGains(rows, task),
    (sums) => (sums[0] ?? 0) / (sums[1] ?? 1),
    resampleCount,
    rng(),
  );
  const difference = { accuracy, ci95: intervalAround(accuracy, resamples.sort()) };
  return { humanCeiling: { exampleCount: rows.length, person, judge, difference } };
};

/** Verdicts on one example, of each person in turn, and of the judge in their places. */
interface HeldOutRow {
  readonly people: readonly HeldOutVote[];
  readonly judge: readonly HeldOutVote[];
  readonly clusterKey: string;
}

/** Per cluster: the sum over its examples of the judge's accuracy minus that of one person, and their number. */
function accuracyGains(rows: readonly HeldOutRow[], task: KindedTask): ClusterCounts {
  const { rowOf, clusterCount } = clusterRows(rows.map(({ clusterKey }) => clusterKey));
  const counts = new Float64Array(2 * clusterCount);
  const accuracy = (verdicts: readonly HeldOutVote[]): number => accuracyOf(outcomesOf(verdicts, task));
  rows.forEach(({ people, judge }, i) => {
    const at = 2 * (rowOf[i] ?? 0);
    counts[at] = (counts[at] ?? 0) + accuracy(judge) - accuracy(people);
    counts[at + 1] = (counts[at + 1] ?? 0) + 1;
  });
  return { counts, width: 2 };
}

/** A verdict on an example: a label, a number as text, or null for none; and a label that the others' votes make. */
export interface HeldOutVote {
  readonly vote: string | null;
  readonly label: string;
  /** Score tasks: the mean of the others. */
  readonly mean?: number;
  /** The weights of one example add up to 1. */
  readonly weight: number;
}

/**
 * Each vote against the rest; `votes` has one entry a vote. If several labels are the most common ones of the rest, each counts in equal parts; numbers
 * have one, the label nearest to their mean. Empty if no rest has a vote.
 */
export function heldOutVotes(votes: readonly VoteCount[], task: KindedTask): HeldOutVote[] {
  const found = votes.flatMap(([vote, count]) => {
    const rest = votes.flatMap(([other, times]): [string, number][] => {
      const left = other === vote ? times - 1 : times;
      return other === null || left === 0 ? [] : [[other, left]];
    });
    const labels = kindOf(task).votesAre === 'numbers' ? meanLabel(rest, task) : mostCommon(rest);
    return labels.map((one) => ({ ...one, vote, weight: count / labels.length }));
  });
  const total = found.reduce((sum, { weight }) => sum + weight, 0);
  return found.map((one) => ({ ...one, weight: one.weight / total }));
}

type Reference = Pick<HeldOutVote, 'label' | 'mean'>;

function mostCommon(rest: readonly (readonly [string, number])[]): Reference[] {
  const most = Math.max(...rest.map(([, count]) => count));
  return rest.flatMap(([label, count]) => (count === most ? [{ label }] : []));
}

function meanLabel(rest: readonly (readonly [string, number])[], { labels }: KindedTask): Reference[] {
  const count = rest.reduce((sum, [, times]) => sum + times, 0);
  if (count === 0) return [];
  const mean = rest.reduce((sum, [vote, times]) => sum + Number(vote) * times, 0) / count;
  return [{ label: nearestLabel(mean, labels), mean }];
}

/** Of people, or of a judge in their place. */
export function agreementOf(verdicts: readonly HeldOutVote[], task: KindedTask): AgreementScores {
  const outcomes = outcomesOf(verdicts, task);
  const kappa = cohenKappa(outcomes);
  return {
    macroF1: macroF1(outcomes, task.labels),
    accuracy: accuracyOf(outcomes),
    ...(kappa !== undefined && { cohenKappa: kappa }),
    ...numericAgreement(verdicts),
  };
}

function outcomesOf(verdicts: readonly HeldOutVote[], task: KindedTask): Outcome[] {
  const isNumber = kindOf(task).votesAre === 'numbers';
  return verdicts.map(({ vote, label, weight }) => ({
    ...{ label, weight },
    predicted: vote === null ? undefined : isNumber ? nearestLabel(Number(vote), task.labels) : vote,
  }));
}

function numericAgreement(verdicts: readonly HeldOutVote[]): Pick<AgreementScores, 'pearson' | 'meanAbsoluteError'> {
  const pairs = verdicts.flatMap(({ vote, mean, weight }) =>
    vote === null || mean === undefined ? [] : [{ said: Number(vote), mean, weight }],
  );
  const total = pairs.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return {};
  const correlation = pearson(
    pairs.map(({ said }) => said),
    pairs.map(({ mean }) => mean),
    pairs.map(({ weight }) => weight),
  );
  return {
    ...(correlation !== undefined && { pearson: correlation }),
    meanAbsoluteError: pairs.reduce((sum, { said, mean, weight }) => sum + weight * Math.abs(said - mean), 0) / total,
  };
}
