/** Which rows are trained on and which are tested on: what file names say, else a split by seed. */
import type { MadeSplit } from '../../../../recipes/fields/dataset-options.ts';
import type { Split } from '../../../example.ts';
import type { ColumnFacts } from '../facts/column-facts.ts';
import { isOodFile, splitNamed, splitOfFile } from './split-words.ts';
import type { ReadSource, TableFacts } from '../facts/table-facts.ts';

export interface SourceSplit {
  readonly source: ReadSource;
  readonly split: Split | MadeSplit;
  /** Whether the file is of data that is never trained on, by its name. */
  readonly isOod: boolean;
  /** Column and values of the rows of other splits in the same file. */
  readonly leaveOut?: Readonly<Record<string, readonly string[]>>;
}

export interface Splits {
  readonly sources: readonly SourceSplit[];
  /** Whether rows are trained on at all. */
  readonly isTrained: boolean;
  readonly notes: readonly string[];
}

/** Fewer groups than this are not parted. */
const groupCountMin = 4;

const ofNames = 'Splits are those of the file names.';
const valIsTest = 'There is no test: the rows called val are it, so nothing may be selected on them.';

export function splitsOf({ sources, columns, rowCount }: TableFacts, groupCount: number): Splits {
  const column = splitColumn(columns, rowCount);
  if (sources.length === 1 && column !== undefined) return byColumn(sources, column);
  const named = sources.map((source) => ({
    ...{ source, split: splitOfFile(source.path) },
    isOod: isOodFile(source.path),
  }));
  const has = (split: Split): boolean => named.some((each) => each.split === split && !each.isOod);
  if (has('train') && (has('val') || has('test'))) {
    const given = named.map(({ source, split = 'train', isOod }): SourceSplit => {
      return { source, isOod, split: isOod || (split === 'val' && !has('test')) ? 'test' : split };
    });
    return { sources: given, isTrained: true, notes: has('test') ? [ofNames] : [ofNames, valIsTest] };
  }
  const isFew = groupCount < groupCountMin;
  const made = {
    isTrained: true,
    notes: [bySeed],
    sources: sources.map((source) => ({ source, split: madeSplits[0], isOod: false })),
  };
  return isFew ? withoutTraining(made, `There are only ${groupCount} groups of rows, too few to train on`) : made;
}

const bySeed = 'The split is drawn by seed; groups stay whole, and each label has about its share in each split.';

/** Splits by seed, the preferred one first: the next is for data whose groups are too few or too large for it. */
export const madeSplits = [
  { train: 0.8, val: 0.1, test: 0.1, seed: 0 },
  { train: 0.8, val: 0, test: 0.2, seed: 0 },
  { train: 0.5, val: 0, test: 0.5, seed: 0 },
] as const satisfies readonly MadeSplit[];

export const isMade = ({ sources }: Splits): boolean => sources.some(({ split }) => typeof split === 'object');

export function withMadeSplit(splits: Splits, split: MadeSplit): Splits {
  return { ...splits, sources: splits.sources.map((source) => ({ ...source, split })) };
}

/** All rows are the test. */
export function withoutTraining(splits: Splits, reason: string): Splits {
  const sources = splits.sources.map((source) => ({ ...source, split: 'test' as const }));
  return { sources, isTrained: false, notes: [`${reason}: all are the test.`] };
}

/** A column that says of each row which split it is in. */
function splitColumn(columns: readonly ColumnFacts[], rowCount: number) {
  for (const { name, values, missingCount } of columns) {
    if (!/^(split|subset|fold|partition|set)$/i.test(name) || values === undefined || missingCount > 0) continue;
    const found = [...values].map(([value, count]) => ({ value, count, split: splitNamed(value) }));
    const isNamed = found.every(({ split }) => split !== undefined);
    if (isNamed && new Set(found.map(({ split }) => split)).size > 1 && rowCount > 0) return { name, found };
  }
  return undefined;
}

function byColumn(
  sources: readonly ReadSource[],
  { name, found }: NonNullable<ReturnType<typeof splitColumn>>,
): Splits {
  const splits = (['train', 'val', 'test'] as const).filter((split) => found.some((each) => each.split === split));
  const entries = sources.flatMap((source) =>
    splits.map((split): SourceSplit => {
      const others = found.filter((each) => each.split !== split).map(({ value }) => value);
      const given = split === 'val' && !splits.includes('test') ? 'test' : split;
      return { source, split: given, isOod: false, leaveOut: { [name]: others } };
    }),
  );
  const notes = [
    `Splits are those of the column \`${name}\`; rows of the others are left out, which the quarantine lists.`,
  ];
  return {
    sources: entries,
    isTrained: splits.includes('train'),
    notes: splits.includes('test') ? notes : [...notes, valIsTest],
  };
}
