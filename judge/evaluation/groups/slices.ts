/** All scores of a task for the rows of each value of a row field, with their macro mean over the values. */
import type { JudgedExample } from '../metric.ts';

/** Name -> number: the numbers among a task's scores except counts, nested ones with a dot (`correlation.pearson`). */
export type SliceNumbers = Readonly<Record<string, number>>;

export interface Slice {
  /** Null for the rows without a value. */
  readonly value: string | null;
  readonly exampleCount: number;
  /** Of Macro-F1. */
  readonly ci95?: readonly [number, number];
  readonly scores: SliceNumbers;
}

export interface SliceScores {
  /** Row field. */
  readonly field: string;
  readonly valueCount: number;
  /** The most common values, most common first. */
  readonly values: readonly Slice[];
  /** All examples of the other values together, if there are more values than are listed. */
  readonly others?: Omit<Slice, 'value'>;
  /** Mean of each score over all values that have it, listed or not: each value has equal weight. */
  readonly macroMean: SliceNumbers;
}

/** Values that are listed; reports and results stay small whatever the field. */
const listedCountMax = 32;

/** Scores of some of the examples, as of the whole task. Without an interval, none is computed. */
export type ScoresOf = (judged: readonly JudgedExample[], hasInterval: boolean) => object;

export function sliceScores(judged: readonly JudgedExample[], field: string, scoresOf: ScoresOf): SliceScores {
  const byValue = new Map<string | null, JudgedExample[]>();
  for (const one of judged) {
    const value = one.example.attributes?.[field] ?? null;
    const rows = byValue.get(value) ?? [];
    byValue.set(value, rows);
    rows.push(one);
  }
  // Equal counts keep the order of the rows.
  const sorted = [...byValue].sort(([, a], [, b]) => exampleCountOf(b) - exampleCountOf(a));
  const listed = sorted.slice(0, listedCountMax).map(([value, rows]) => ({ value, ...slice(rows, scoresOf) }));
  const rest = sorted.slice(listedCountMax).map(([, rows]) => rows);
  const all = [...listed.map(({ scores }) => scores), ...rest.map((rows) => numbersIn(scoresOf(rows, false)))];
  return {
    ...{ field, valueCount: sorted.length, values: listed },
    ...(rest.length > 0 && { others: slice(rest.flat(), scoresOf) }),
    macroMean: macroMean(all),
  };
}

const exampleCountOf = (rows: readonly JudgedExample[]): number =>
  rows.filter(({ reordered }) => reordered === undefined).length;

function slice(rows: readonly JudgedExample[], scoresOf: ScoresOf): Omit<Slice, 'value'> {
  const scores = scoresOf(rows, true);
  const { ci95 } = scores as { readonly ci95?: readonly [number, number] };
  return { exampleCount: exampleCountOf(rows), ...(ci95 && { ci95 }), scores: numbersIn(scores) };
}

function numbersIn(scores: object, prefix = ''): Record<string, number> {
  const found = Object.entries(scores).flatMap(([name, value]: [string, unknown]): [string, number][] => {
    if (/count$/i.test(name)) return [];
    if (typeof value === 'number') return [[prefix + name, value]];
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
    return Object.entries(numbersIn(value, `${prefix}${name}.`));
  });
  return Object.fromEntries(found);
}

function macroMean(all: readonly SliceNumbers[]): SliceNumbers {
  const sums = new Map<string, { sum: number; count: number }>();
  for (const scores of all) {
    for (const [name, value] of Object.entries(scores)) {
      const { sum, count } = sums.get(name) ?? { sum: 0, count: 0 };
      sums.set(name, { sum: sum + value, count: count + 1 });
    }
  }
  return Object.fromEntries([...sums].map(([name, { sum, count }]) => [name, sum / count]));
}
