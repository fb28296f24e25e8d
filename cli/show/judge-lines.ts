/** Scores of recorded verdicts as lines of text: a table with a row for each judge, and the differences that hold. */
import type { PixelBaseline } from '../../contract/pixel-baselines.ts';
import { baselineLines } from '../../judge/evaluation/baseline-text.ts';
import { told } from '../../judge/scoring/differences.ts';
import type { JudgeScores, JudgeTest, Scoring } from '../../judge/scoring/score-judges.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import { labelsText } from '../../judge/report/labels-text.ts';
import { excerpt } from './terminal-text.ts';

interface Scored extends Scoring {
  readonly exampleCount: number;
  readonly pixelBaselines: readonly PixelBaseline[];
}

const unreadLengthMax = 60;

export function judgeLines(
  task: string,
  spec: TaskSpec,
  { exampleCount, judges, tests, pixelBaselines }: Scored,
): string[] {
  const ordered = [...judges].sort((a, b) => b.scores.accuracy - a.scores.accuracy);
  const hasOrders = judges.some(({ scores }) => scores.consistencyRate !== undefined);
  const hasTies = judges.some(({ scores }) => scores.withoutTies !== undefined);
  const hasError = judges.some(({ scores }) => scores.absoluteError !== undefined);
  const head = ['judge', 'verdicts', 'accuracy', '95 %', ...(hasTies ? ['without ties'] : []), 'Macro-F1', 'kappa'];
  const heads = [...head, ...(hasError ? ['mean error'] : []), ...(hasOrders ? ['same in both orders'] : []), 'unread'];
  const table = [
    heads,
    ...ordered.map(({ judge, verdictCount, accuracyCi95, scores }) => [
      ...[judge, String(verdictCount), percent(scores.accuracy), interval(accuracyCi95)],
      ...(hasTies ? [scores.withoutTies === undefined ? '–' : percent(scores.withoutTies.accuracy)] : []),
      ...[scores.macroF1 === undefined ? '–' : percent(scores.macroF1), scores.cohenKappa?.toFixed(3) ?? '–'],
      ...(hasError ? [scores.absoluteError?.mean.toPrecision(3) ?? '–'] : []),
      ...(hasOrders ? [scores.consistencyRate === undefined ? '–' : percent(scores.consistencyRate)] : []),
      percent(scores.unparsableRate),
    ]),
  ];
  const majorities = judges.flatMap(({ scores }) => scores.majorityMacroF1 ?? []);
  return [
    `${task}: ${String(exampleCount)} rows, ${labelsText(spec)}; unread verdicts count as wrong`,
    '',
    ...aligned(table),
    ...(majorities.length === 0 ? [] : [`majority baseline: Macro-F1 ${percent(Math.max(...majorities))}`]),
    ...baselineLines(
      ordered.map(({ judge, scores }) => ({ name: judge, scores: [scores] })),
      pixelBaselines,
    ),
    ...ordered.flatMap(detailLines),
    '',
    ...testLines(tests),
  ];
}

function detailLines({ judge, missingCount, repeatedCount, unread, cost, latency }: JudgeScores): string[] {
  const texts = unread.map(
    ({ text, count }) =>
      `${String(count)} x ${text === null ? 'nothing' : JSON.stringify(excerpt(text, unreadLengthMax))}`,
  );
  return [
    ...(missingCount > 0 ? [`${judge}: no verdict on ${String(missingCount)} rows, which are left out`] : []),
    ...(repeatedCount > 0 ? [`${judge}: ${String(repeatedCount)} repeated verdicts, of which the first counts`] : []),
    ...(texts.length > 0 ? [`${judge}: unread: ${texts.join(', ')}`] : []),
    ...(cost ? [`${judge}: cost ${cost.sum.toFixed(2)}, ${cost.mean.toPrecision(3)} a verdict`] : []),
    ...(latency ? [`${judge}: ${latency.mean.toPrecision(3)} s a verdict`] : []),
  ];
}

function testLines(tests: readonly JudgeTest[]): string[] {
  if (tests.length === 0) return ['One judge: nothing to compare.'];
  const holding = tests.map(told).filter(({ holds }) => holds);
  const lines = holding.map(({ better, worse, difference, ci95, holmP }) => {
    return `  ${better} above ${worse} by ${percent(difference)} (${interval(ci95)}), p ${holmP.toPrecision(2)}`;
  });
  const what = `${String(holding.length)} of ${String(tests.length)} differences in accuracy hold`;
  return [`${what} (paired cluster bootstrap and McNemar's exact test, both with Holm's correction)`, ...lines];
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
}

const percent = (share: number): string => (100 * share).toFixed(2);
const interval = ([low, high]: readonly [number, number]): string => `${percent(low)} to ${percent(high)}`;
