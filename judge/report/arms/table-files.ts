/** The table of arms as files: Markdown and LaTeX to read, CSV with full precision to compute with. */
import { meanColumn } from '../../evaluation/arms/arm-scores.ts';
import type { ReportData } from '../data.ts';
import { interval, points, stars } from '../format.ts';
import { type ArmTable, armTable, type TableCell, tableNote } from './arm-table.ts';

export interface TableFiles {
  readonly md: string;
  readonly csv: string;
  readonly tex: string;
}

/** Deterministic: equal data give equal bytes. */
export function tableFiles(data: Pick<ReportData, 'arms' | 'armTests' | 'tasks'>): TableFiles {
  const table = armTable(data);
  return { md: markdown(table), csv: csv(table), tex: latex(table) };
}

function starsOf({ test }: TableCell): string {
  return test === undefined ? '' : stars(test.holmP);
}

function markdown(table: ArmTable): string {
  const { columns, rows } = table;
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const heads = columns.map(({ title, isUnseen }) => (isUnseen ? `${title} (never trained)` : title));
  return [
    row(['Arm', ...heads]),
    row(['---', ...columns.map(() => '---:')]),
    ...rows.map(({ arm, cells }) => row([arm.arm, ...cells.map(markdownCell)])),
    '',
    tableNote(table).replaceAll('*', '\\*'),
    '',
  ].join('\n');
}

function markdownCell(cell: TableCell | undefined): string {
  if (cell === undefined) return '–';
  const value = points(cell.value);
  const marks = starsOf(cell).replaceAll('*', '\\*');
  return `${cell.isBest ? `**${value}**` : value}${marks} (${interval(cell.ci95)})`;
}

const csvHeads = [
  ...['arm', 'column', 'never_trained', 'seed_count', 'macro_f1', 'ci95_low', 'ci95_high', 'seed_deviation'],
  ...['reference', 'difference', 'difference_ci95_low', 'difference_ci95_high', 'p', 'p_holm'],
];

/** A line for each cell; rates in [0, 1]. */
function csv({ columns, rows, reference = '' }: ArmTable): string {
  const lines = rows.flatMap(({ arm, cells }) =>
    cells.flatMap((cell, i) => {
      const column = columns[i];
      if (cell === undefined || column === undefined) return [];
      const { test, ci95, value, seedDeviation } = cell;
      const name = column.name === meanColumn ? 'mean' : column.name;
      return [
        [
          ...[arm.arm, name, String(column.isUnseen), arm.seedCount, value, ...ci95, seedDeviation],
          ...(test ? [reference, test.difference, ...test.ci95, test.p, test.holmP] : ['', '', '', '', '', '']),
        ],
      ];
    }),
  );
  return [csvHeads, ...lines].map((line) => `${line.map(csvField).join(',')}\n`).join('');
}

function csvField(value: string | number | undefined): string {
  const text = value === undefined ? '' : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A `tabular` of the package booktabs. */
function latex(table: ArmTable): string {
  const { columns, rows } = table;
  const row = (cells: readonly string[]): string => `${cells.join(' & ')} \\\\`;
  const seenCount = columns.filter(({ isUnseen }) => !isUnseen).length;
  const unseenCount = columns.length - seenCount;
  const spans = [
    ...(seenCount > 0 ? [`\\multicolumn{${String(seenCount)}}{c}{in distribution}`] : []),
    ...(unseenCount > 0 ? [`\\multicolumn{${String(unseenCount)}}{c}{never trained}`] : []),
  ];
  return [
    `% ${tableNote(table)}`,
    `\\begin{tabular}{l${'r'.repeat(columns.length)}}`,
    '\\toprule',
    row(['', ...spans]),
    row(['Arm', ...columns.map(({ title }) => latexText(title))]),
    '\\midrule',
    ...rows.map(({ arm, cells }) => row([latexText(arm.arm), ...cells.map(latexCell)])),
    '\\bottomrule',
    '\\end{tabular}',
    '',
  ].join('\n');
}

function latexCell(cell: TableCell | undefined): string {
  if (cell === undefined) return '--';
  const value = points(cell.value);
  const marks = starsOf(cell);
  const [low, high] = cell.ci95.map(points);
  const bold = cell.isBest ? `\\textbf{${value}}` : value;
  return `${bold}${marks === '' ? '' : `$^{${marks}}$`} {\\scriptsize (${low ?? ''}--${high ?? ''})}`;
}

const latexCharacters: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
};

export function latexText(text: string): string {
  return text.replace(/[\\~^&%$#_{}]/g, (character) => latexCharacters[character] ?? `\\${character}`);
}
