/**
 * The paper's table in a terminal: one row per run, one column per task, Macro-F1 in points above its 95 % interval.
 * Columns that do not fit side by side are split into blocks, one below the other.
 */
import type { EvaluatedRun, KeptEvaluation, TaskScores } from '../../contract/activities.ts';
import { type Paint, visibleLength } from './output.ts';

/** The fields of a run that the table needs; also for a policy that is not from an experiment. */
export interface ScoredRow {
  readonly plan: Pick<EvaluatedRun['plan'], 'arm' | 'runName' | 'seed'>;
  readonly evaluations: readonly Pick<KeptEvaluation, 'scores'>[];
}

interface Column {
  readonly head: readonly string[];
  readonly isOod: boolean;
  /** Lines of the cell in a run's row. */
  readonly cell: (run: ScoredRow) => readonly string[];
  readonly majority: string;
}

const gap = '  ';
/** Separates the tasks that are never trained. */
const bar = '│ ';

const usualColumnCount = 120;

/** @param columnCount width of the terminal, which the table fits if the widest column does */
export function scoreTable(
  runs: readonly ScoredRow[],
  paint: Paint,
  columnCount = process.stdout.columns || usualColumnCount,
): string {
  const columns = columnsOf(runs, paint);
  if (columns.length === 0) return 'no evaluations';
  const names = runs.map(({ plan }) => nameOf(plan, runs));
  const nameWidth = Math.max(8, ...names.map(visibleLength));
  const blocks = blocksOf(columns, columnCount - nameWidth, runs);
  const tables = blocks.map((block) => tableOf(block, runs, names, nameWidth, paint));
  return [...tables, legend(runs, paint)].join('\n\n');
}

/** Splits columns into blocks of at most `widthMax` characters including their gaps, at least one column per block. */
function blocksOf(columns: readonly Column[], widthMax: number, runs: readonly ScoredRow[]): readonly Column[][] {
  const blocks: Column[][] = [[]];
  let width = 0;
  for (const column of columns) {
    const wide = gap.length + (column.isOod ? bar.length : 0) + widthOf(column, runs);
    if (width > 0 && width + wide > widthMax) {
      blocks.push([]);
      width = 0;
    }
    blocks.at(-1)?.push(column);
    width += wide;
  }
  return blocks;
}

function tableOf(
  columns: readonly Column[],
  runs: readonly ScoredRow[],
  names: readonly string[],
  nameWidth: number,
  paint: Paint,
): string {
  const widths = columns.map((column) => widthOf(column, runs));
  const heads = columns.map(({ head }) => head);
  const headRows = rowsOf('', heads, columns, nameWidth, widths).map((line) => paint('dim', line));
  const body = runs.flatMap((run, i) =>
    rowsOf(
      names[i] ?? '',
      columns.map(({ cell }) => cell(run)),
      columns,
      nameWidth,
      widths,
    ),
  );
  const majority = rowsOf(
    'majority',
    columns.map((column) => [column.majority]),
    columns,
    nameWidth,
    widths,
  ).map((line) => paint('dim', line));
  return [...headRows, ...body, ...majority].join('\n');
}

function columnsOf(runs: readonly ScoredRow[], paint: Paint): readonly Column[] {
  const all = runs.flatMap(({ evaluations }) => evaluations.map(({ scores }) => scores));
  const tasks = [...new Map(all.map((scores) => [scores.task, scores])).values()];
  const seen = tasks.filter(({ ood }) => !ood);
  const unseen = tasks.filter(({ ood }) => ood);
  const mean = seen.length === 0 ? [] : [meanColumn(runs, seen, paint)];
  return [
    ...seen.map((task) => taskColumn(runs, task, paint)),
    ...mean,
    ...unseen.map((task) => taskColumn(runs, task, paint)),
  ];
}

function taskColumn(runs: readonly ScoredRow[], { task, ood, majorityMacroF1 }: TaskScores, paint: Paint): Column {
  const best = Math.max(...runs.map((run) => scoresOf(run, task)?.macroF1 ?? 0));
  return {
    head: ood ? [shortened(task), 'never trained'] : [shortened(task)],
    isOod: ood,
    majority: points(majorityMacroF1),
    cell: (run) => {
      const scores = scoresOf(run, task);
      if (scores === undefined) return ['–'];
      const { macroF1, ci95, unparsableRate, forcedChoice } = scores;
      const value =
        macroF1 !== undefined && macroF1 === best && runs.length > 1
          ? paint('bold', paint('green', points(macroF1)))
          : points(macroF1);
      const unparsable = unparsableRate >= 0.005 ? [paint('yellow', `${points(unparsableRate)}% unread`)] : [];
      return [
        value,
        ...(ci95 === undefined ? [] : [paint('dim', `${points(ci95[0])}–${points(ci95[1])}`)]),
        ...headlineLines(scores, paint),
        ...errorLines(scores, paint),
        ...(forcedChoice ? [paint('dim', `forced ${points(forcedChoice.macroF1)}`)] : []),
        ...orderLines(scores, paint),
        ...unparsable,
      ];
    },
  };
}

/** The metric that the benchmark of this task publishes. */
function headlineLines({ headline }: TaskScores, paint: Paint): string[] {
  if (headline === undefined) return [];
  return [paint('dim', `${headline.name} ${headline.value === undefined ? '–' : points(headline.value)}`)];
}

/** Mean absolute error, in the unit of the labels. */
function errorLines({ absoluteError }: TaskScores, paint: Paint): string[] {
  return absoluteError === undefined ? [] : [paint('dim', `error ${absoluteError.mean.toPrecision(3)}`)];
}

function orderLines({ consistencyRate, firstPositionRate }: TaskScores, paint: Paint): string[] {
  if (consistencyRate === undefined || firstPositionRate === undefined) return [];
  return [paint('dim', `same ${points(consistencyRate)}`), paint('dim', `1st ${points(firstPositionRate)}`)];
}

function meanColumn(runs: readonly ScoredRow[], tasks: readonly TaskScores[], paint: Paint): Column {
  const meanOf = (run: ScoredRow): number => {
    const values = tasks.flatMap(({ task }) => scoresOf(run, task)?.macroF1 ?? []);
    return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  };
  const best = Math.max(...runs.map(meanOf));
  const majorities = tasks.flatMap(({ majorityMacroF1 }) => majorityMacroF1 ?? []);
  const majority = majorities.reduce((sum, value) => sum + value, 0) / Math.max(1, majorities.length);
  return {
    head: ['mean'],
    isOod: false,
    majority: points(majority),
    cell: (run) => {
      const mean = meanOf(run);
      return [paint('bold', mean === best && runs.length > 1 ? paint('green', points(mean)) : points(mean))];
    },
  };
}

function rowsOf(
  name: string,
  cells: readonly (readonly string[])[],
  columns: readonly Column[],
  nameWidth: number,
  widths: readonly number[],
): string[] {
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, i) => {
    const text = cells.map((lines, j) => {
      const isFirstOod = columns[j]?.isOod === true && columns[j - 1]?.isOod !== true;
      return (isFirstOod ? bar : '') + padStart(lines[i] ?? '', widths[j] ?? 0);
    });
    return `${padEnd(i === 0 ? name : '', nameWidth)}${gap}${text.join(gap)}`.trimEnd();
  });
}

function widthOf({ head, cell, majority }: Column, runs: readonly ScoredRow[]): number {
  return Math.max(...[...head, majority, ...runs.flatMap((run) => cell(run))].map(visibleLength));
}

function legend(runs: readonly ScoredRow[], paint: Paint): string {
  const counts = runs.flatMap(({ evaluations }) => evaluations.map(({ scores }) => scores.exampleCount));
  const isPairwise = runs.some(({ evaluations }) =>
    evaluations.some(({ scores }) => scores.consistencyRate !== undefined),
  );
  const [low, high] = [Math.min(...counts), Math.max(...counts)];
  const examples = low === high ? String(low) : `${String(low)} to ${String(high)}`;
  const lines = [`Macro-F1 in points, bootstrap 95 % intervals, ${examples} judgments per task`];
  if (runs.some(({ evaluations }) => evaluations.some(({ scores }) => scores.forcedChoice !== undefined)))
    lines.push('forced: the most probable label at the position of the verdict, whatever the answer was');
  if (runs.some(({ evaluations }) => evaluations.some(({ scores }) => scores.absoluteError !== undefined)))
    lines.push('error: mean absolute error, in the unit of the labels');
  if (isPairwise)
    lines.push('same: the same candidate is chosen in both orders; 1st: the first position is chosen (50 is unbiased)');
  return lines.map((line) => paint('dim', line)).join('\n');
}

function nameOf(plan: ScoredRow['plan'], runs: readonly ScoredRow[]): string {
  return runs.some((run) => run.plan.arm === plan.arm && run.plan.seed !== plan.seed) ? plan.runName : plan.arm;
}

function scoresOf(run: ScoredRow, task: string): TaskScores | undefined {
  return run.evaluations.find(({ scores }) => scores.task === task)?.scores;
}

/** Shortens a name in the middle: names of many tasks often differ only at their ends. */
const shortened = (task: string): string => (task.length <= 16 ? task : `${task.slice(0, 8)}…${task.slice(-7)}`);
/** A dash for what the task does not have. */
const points = (value: number | undefined): string => (value === undefined ? '–' : (value * 100).toFixed(1));
const padEnd = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - visibleLength(text)));
const padStart = (text: string, width: number): string => ' '.repeat(Math.max(0, width - visibleLength(text))) + text;
