/**
 * Sentences about arms, made of the table's numbers and tests by rule. A difference is claimed if its paired test finds
 * it after Holm's correction; otherwise the sentence says that none can be claimed.
 */
import { type ArmTest, meanColumn } from '../../evaluation/arms/arm-scores.ts';
import type { ReportData } from '../data.ts';
import { interval, points, pValue } from '../format.ts';
import { type ArmTable, armTable, type TableColumn, testOf } from './arm-table.ts';

/** Family-wise error rate over the columns of two arms. */
const falseClaimRate = 0.05;

export interface ArmClaim {
  /** `mt-rl and base` */
  readonly arms: string;
  readonly sentences: readonly string[];
}

/** The reference against every other arm of the table. */
export function armClaims(data: Pick<ReportData, 'arms' | 'armTests' | 'tasks'>): readonly ArmClaim[] {
  const table = armTable(data);
  const { reference } = table;
  if (reference === undefined) return [];
  return table.rows.flatMap(({ arm: { arm: other } }) => {
    if (other === reference) return [];
    const tests = new Map(
      table.columns.flatMap(({ name }) => {
        const test = testOf(data.armTests, reference, other, name);
        return test === undefined ? [] : [[name, test] as const];
      }),
    );
    return [{ arms: `${reference} and ${other}`, sentences: sentencesOf(table, reference, other, tests) }];
  });
}

function sentencesOf(
  table: ArmTable,
  arm: string,
  other: string,
  tests: ReadonlyMap<string, ArmTest>,
): readonly string[] {
  const summed = table.columns.filter(({ name, isUnseen }) => isUnseen || name === meanColumn);
  const single = table.columns.filter(({ name, isUnseen }) => !isUnseen && name !== meanColumn);
  const ofColumns = summed.map((column) => columnSentence(table, arm, other, column, tests.get(column.name)));
  return [...ofColumns, ...taskSentence(single, tests, arm, other)];
}

function columnSentence(
  table: ArmTable,
  arm: string,
  other: string,
  column: TableColumn,
  test: ArmTest | undefined,
): string {
  const seen = table.columns.filter(({ name, isUnseen }) => !isUnseen && name !== meanColumn).length;
  const where = column.isUnseen
    ? `On ${column.title}, which was never trained,`
    : `On the mean of ${String(seen)} trained ${seen === 1 ? 'task' : 'tasks'},`;
  if (test === undefined) return `${where} ${arm} and ${other} were not tested.`;
  const numbers = [arm, other].map((name) => scoreText(table, name, column.name)).join(' against ');
  const tested = `difference ${points(test.difference)} (${interval(test.ci95)}), p ${pValue(test.holmP)}`;
  const what = isClaimed(test)
    ? `${arm} is ${test.difference > 0 ? 'higher' : 'lower'} than ${other}`
    : `no difference between ${arm} and ${other} can be claimed`;
  return `${where} ${what}: ${numbers}; ${tested}.`;
}

const isClaimed = ({ holmP, difference }: ArmTest): boolean => holmP < falseClaimRate && difference !== 0;

function scoreText({ rows, columns }: ArmTable, arm: string, column: string): string {
  const cell = rows.find((row) => row.arm.arm === arm)?.cells[columns.findIndex(({ name }) => name === column)];
  return cell === undefined ? '–' : `${points(cell.value)} (${interval(cell.ci95)})`;
}

/** How many of the trained tasks show a difference, in each direction. */
function taskSentence(
  columns: readonly TableColumn[],
  tests: ReadonlyMap<string, ArmTest>,
  arm: string,
  other: string,
): string[] {
  const tested = columns.flatMap(({ name }) => tests.get(name) ?? []);
  if (tested.length === 0) return [];
  const named = (wanted: (test: ArmTest) => boolean): string =>
    tested
      .filter(wanted)
      .map(({ column }) => column)
      .join(', ');
  const higher = named((test) => isClaimed(test) && test.difference > 0);
  const lower = named((test) => isClaimed(test) && test.difference < 0);
  const open = named((test) => !isClaimed(test));
  if (higher === '' && lower === '') return [`Task by task, nothing can be claimed on any of ${open}.`];
  const directions = [
    ...(higher === '' ? [] : [`higher on ${higher}`]),
    ...(lower === '' ? [] : [`lower on ${lower}`]),
  ];
  const others = open === '' ? '' : `; nothing can be claimed on ${open}`;
  return [`Task by task, ${arm} compared with ${other} is ${directions.join(' and ')}${others}.`];
}
