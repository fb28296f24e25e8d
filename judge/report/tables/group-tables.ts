/** Scores of groups of examples: slices, acc+, and the Ties score. */
import type { Slice, SliceScores } from '../../evaluation/groups/slices.ts';
import type { ReportData, ReportScores } from '../data.ts';
import { count, interval, points, significant } from '../format.ts';
import { type Html, html } from '../html.ts';
import { two } from './people-table.ts';
import { plainTable, runTable } from './plain-table.ts';

export function hasGroups({ runs }: ReportData): boolean {
  return runs.some(({ scores }) => scores.some(isGrouped));
}

const isGrouped = ({ slices, accPlus, tiesScore }: ReportScores): boolean =>
  [slices, accPlus, tiesScore].some((found) => found !== undefined);

export function groupTables({ runs }: ReportData): Html {
  const all = runs.flatMap(({ runName, scores }) => scores.map((of) => ({ runName, ...of })));
  return html`${accPlusTable(all)}${tiesTable(all)}${all.flatMap((row) =>
    (row.slices ?? []).map((slices) => sliceTable(row, slices)),
  )}`;
}

type Row = ReportScores & { readonly runName: string };

function accPlusTable(all: readonly Row[]): Html | undefined {
  const rows = all.flatMap(({ runName, task, accPlus, accuracy }) =>
    accPlus === undefined ? [] : [[runName, task, count(accPlus.groupCount), points(accPlus.rate), points(accuracy)]],
  );
  if (rows.length === 0) return undefined;
  return html`<h3>acc+ <small>groups of examples of which all judgments are right</small></h3>
    ${runTable(['run', 'task', 'groups', 'acc+', 'accuracy'], rows)}`;
}

function tiesTable(all: readonly Row[]): Html | undefined {
  const rows = all.flatMap(({ runName, task, tiesScore: found }) => {
    if (found === undefined) return [];
    const { pairCount, score, refAccuracy, tiedAccuracy, preferredRate, preferredHardRate, marginScore } = found;
    const rates = [score, refAccuracy, tiedAccuracy, preferredRate, preferredHardRate].map(points);
    return [[runName, task, count(pairCount), ...rates, two(marginScore), count(found.leftOutCount)]];
  });
  if (rows.length === 0) return undefined;
  const heads = ['one answer right', 'several right', 'gap above spread', 'of both prompts', 'margin', 'left out'];
  return html`<h3>Ties score <small>of RewardBench 2: several correct answers to a prompt</small></h3>
    ${runTable(['run', 'task', 'pairs', 'score', ...heads], rows)}`;
}

/** The scores that tables show, of those that a task has; reports' data and `--json` have all of them. */
const shown: readonly (readonly [name: string, head: string])[] = [
  ['macroF1', 'Macro-F1'],
  ['accuracy', 'accuracy'],
  ['cohenKappa', 'kappa'],
  ['consistencyRate', 'same in all orders'],
  ['consistentAccuracy', 'right in all orders'],
  ['withoutTies.accuracy', 'without ties'],
  ['pairAccuracy', 'pairs in order'],
  ['editDistance', 'edit distance'],
  ['exactRate', 'exact'],
  ['correlation.spearman', 'Spearman'],
  ['absoluteError.mean', 'mean error'],
  ['unparsableRate', 'unparsable'],
];
/** Values in a table; the data of the report have more. */
const listedCountMax = 12;
const coefficients: readonly string[] = ['cohenKappa', 'correlation.spearman'];

function sliceTable(
  { runName, task, exampleCount }: Row,
  { field, values, others, macroMean, valueCount }: SliceScores,
): Html {
  const columns = shown.filter(([name]) => macroMean[name] !== undefined);
  const cells = (scores: SliceScores['macroMean']): string[] =>
    columns.map(([name]) => {
      const value = scores[name];
      if (value === undefined) return '–';
      if (name === 'absoluteError.mean') return significant(value);
      return coefficients.includes(name) ? two(value) : points(value);
    });
  const rowOf = (name: string, slice: Omit<Slice, 'value'>): string[] => [
    ...[name, count(slice.exampleCount), slice.ci95 === undefined ? '–' : interval(slice.ci95)],
    ...cells(slice.scores),
  ];
  const listed = values.slice(0, listedCountMax);
  const hidden = values.length - listed.length;
  const rows = [
    [`mean of ${count(valueCount)} values`, count(exampleCount), '–', ...cells(macroMean)],
    ...listed.map((slice) => rowOf(slice.value ?? '(none)', slice)),
    ...(hidden > 0 ? [[`${count(hidden)} more values, in the data of the report`]] : []),
    ...(others === undefined ? [] : [rowOf(`${count(valueCount - values.length)} other values together`, others)]),
  ];
  return html`<details>
    <summary>${runName}: ${task} by ${field}</summary>
    ${plainTable([field, 'examples', 'Macro-F1, 95 %', ...columns.map(([, head]) => head)], rows)}
  </details>`;
}
