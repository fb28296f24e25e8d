/** The paper's table: arms by tasks, in the recipe's order, unseen tasks last. HTML, Markdown, CSV and LaTeX show it. */
import { type ArmScore, type ArmTest, meanColumn } from '../../evaluation/arms/arm-scores.ts';
import type { ReportArm, ReportData } from '../data.ts';

export interface ArmTable {
  readonly columns: readonly TableColumn[];
  readonly rows: readonly TableRow[];
  /** The arm that stars compare with. */
  readonly reference: string | undefined;
}

export interface TableColumn {
  /** A task, or `meanColumn`. */
  readonly name: string;
  readonly title: string;
  readonly isUnseen: boolean;
}

export interface TableRow {
  readonly arm: ReportArm;
  /** A cell for each column; undefined where the arm has no score. */
  readonly cells: readonly (TableCell | undefined)[];
}

export interface TableCell extends ArmScore {
  /** Whether no arm has a higher one, and some arm a lower one. */
  readonly isBest: boolean;
  /** Of this arm minus the reference. */
  readonly test?: ArmTest;
}

type Compared = Pick<ReportData, 'arms' | 'armTests' | 'tasks'>;

export function armTable(data: Compared): ArmTable {
  const rows = rowsOf(data);
  const reference = referenceOf(data);
  const has = (column: string): boolean => rows.some(({ scores }) => scores[column] !== undefined);
  const seen = data.tasks.filter(({ name, ood }) => !ood && has(name));
  const unseen = data.tasks.filter(({ name, ood }) => ood && has(name));
  const columns = [
    ...seen.map(({ name }) => ({ name, title: name, isUnseen: false })),
    ...(has(meanColumn) ? [{ name: meanColumn, title: 'mean', isUnseen: false }] : []),
    ...unseen.map(({ name }) => ({ name, title: name, isUnseen: true })),
  ];
  const valuesOf = (column: string): number[] => rows.flatMap(({ scores }) => scores[column]?.value ?? []);
  const isBest = (column: string, value: number): boolean =>
    valuesOf(column).every((other) => other <= value) && valuesOf(column).some((other) => other < value);
  return {
    ...{ columns, reference },
    rows: rows.map((arm) => ({
      arm,
      cells: columns.map(({ name }): TableCell | undefined => {
        const score = arm.scores[name];
        if (score === undefined) return undefined;
        const test = reference === undefined ? undefined : testOf(data.armTests, arm.arm, reference, name);
        return { ...score, isBest: isBest(name, score.value), ...(test && { test }) };
      }),
    })),
  };
}

/** The arms of the table: all but the points of sweeps. */
export function rowsOf({ arms }: Pick<ReportData, 'arms'>): readonly ReportArm[] {
  return arms.filter(({ varied }) => varied === undefined);
}

/** The arm that others are held against: of those with RL the first that learns the most tasks, else the last arm. */
export function referenceOf(data: Pick<ReportData, 'arms'>): string | undefined {
  const rows = rowsOf(data);
  const taught = rows.filter(({ objective }) => objective === 'rl');
  const most = Math.max(...taught.map(({ trainedTaskCount }) => trainedTaskCount));
  return (taught.find(({ trainedTaskCount }) => trainedTaskCount === most) ?? rows.at(-1))?.arm;
}

/** Whether the runs are not the arms of the table: an arm has several, or some are points of a sweep. */
export function needsArmTable({ arms }: Pick<ReportData, 'arms'>): boolean {
  return arms.some(({ runNames, varied }) => runNames.length > 1 || varied !== undefined);
}

/** The test of `arm` minus `other`, whichever of the two was tested against the other. */
export function testOf(tests: readonly ArmTest[], arm: string, other: string, column: string): ArmTest | undefined {
  const found = tests.find((test) => test.column === column && test.arm === arm && test.otherArm === other);
  if (found !== undefined) return found;
  const turned = tests.find((test) => test.column === column && test.arm === other && test.otherArm === arm);
  if (turned === undefined) return undefined;
  const [low, high] = turned.ci95;
  return { ...turned, arm, otherArm: other, difference: -turned.difference, ci95: [-high, -low] };
}

/** What the numbers of the table are, in a sentence or two. */
export function tableNote(table: ArmTable): string {
  const seedCounts = [...new Set(table.rows.map(({ arm }) => arm.seedCount))].sort((a, b) => a - b);
  const seeds = seedCounts.length === 1 && seedCounts[0] === 1 ? 'one seed' : `${seedCounts.join(' or ')} seeds`;
  const singles = table.rows.filter(({ arm }) => arm.isSingle).map(({ arm }) => arm.arm);
  return [
    `Macro-F1 in points: mean over ${seeds}, with 95 % intervals of a bootstrap over examples and seeds.`,
    ...(table.reference === undefined || table.rows.length < 2
      ? []
      : [
          `*, **, ***: differs from ${table.reference} at p < .05, .01, .001 (paired bootstrap over examples and seeds, ` +
            'Holm over the columns).',
        ]),
    ...(singles.length === 0
      ? []
      : [
          `${singles.join(', ')}: each task is scored by its own specialist; an unseen task by the mean of all specialists.`,
        ]),
  ].join(' ');
}
