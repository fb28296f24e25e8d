/** Kinds choice and ranking: three or more candidates in columns or in a list, with the best one or with ranks. */
import { valueAt } from '../../rows/jsonl-row.ts';
import { candidateColumns, contextImages } from './candidate-columns.ts';
import type { ColumnFacts } from '../facts/column-facts.ts';
import { isPictureColumn } from '../facts/pictures.ts';
import { isOfPeople } from './vote-columns.ts';
import { placesOfValues } from './place-values.ts';
import type { Compared, Guesser, Seen, TaskGuess } from './task-guess.ts';
import { valueCounts } from '../facts/value-counts.ts';

const letterCountMax = 26;
const lettersOf = (count: number): string[] => Array.from({ length: count }, (_, i) => String.fromCharCode(65 + i));

interface Several {
  readonly fields: Pick<TaskGuess, 'images' | 'candidates'> & { readonly compared: Compared };
  readonly list: ColumnFacts | undefined;
  readonly countMax: number;
  readonly marks: readonly string[];
  readonly names: readonly string[];
  readonly notes: readonly string[];
}

/** Lists of texts or pictures whose rows have at least two, then three and more columns. */
function severalIn(seen: Seen): Several[] {
  const lists = seen.facts.columns.filter(
    ({ list, shape, name }) =>
      shape === 'list' &&
      !isOfPeople(name) &&
      list !== undefined &&
      list.lengthMin >= 2 &&
      list.lengthMax <= letterCountMax &&
      !name.includes('.'),
  );
  const inLists = lists
    .filter(({ list }) => list?.elementShape === 'text' || list?.elementShape === 'picture')
    .map((column): Several => {
      const isShown = seen.pictures.shown.some(({ name }) => name === column.name);
      const context = contextImages(seen, [column.name]);
      const compared = { count: 'several', what: isShown ? 'picture' : 'text', areImages: false } as const;
      const notes =
        isPictureColumn(column) && !isShown
          ? [`The pictures that \`${column.name}\` names were not found, so their names stand in their place.`]
          : [];
      const candidates = isShown ? ({ list: column.name, of: 'image' } as const) : { list: column.name };
      const countMax = column.list?.lengthMax ?? 0;
      return {
        fields: { images: context, candidates, compared },
        list: column,
        countMax,
        marks: [],
        names: [column.name],
        notes,
      };
    });
  const inColumns = candidateColumns(seen, (count) => count >= 3 && count <= letterCountMax).map(
    ({ siblings, fields, used, notes }): Several => ({
      ...{ fields, list: undefined, countMax: used.length, marks: siblings.marks, names: used, notes },
    }),
  );
  return [...inLists, ...inColumns];
}

export const guessChoice: Guesser = (seen, label) => {
  for (const several of severalIn(seen)) {
    for (const { column } of seen.labels) {
      if (label === undefined ? false : column.name !== label) continue;
      if (column.values === undefined || several.names.includes(column.name)) continue;
      const values = [...column.values.keys()];
      const reading = placesOfValues(values, several.countMax, several.marks, several.names);
      if (reading === undefined || [...reading.placeOf.values()].some((place) => typeof place !== 'number')) continue;
      const letters = lettersOf(several.countMax);
      const entries = [...reading.placeOf].map(([value, place]): [string, string] => [
        value,
        letters[Number(place)] ?? '',
      ]);
      const isSame = entries.every(([value, name]) => value === name);
      const notes = [`\`${column.name}\` names the best one (${valueCounts(column)}).`];
      if (reading.assumed !== undefined) notes.push(`In \`${column.name}\` ${reading.assumed}: check it.`);
      return {
        ...{ kind: 'choice', labels: letters, label: column.name, asked: column.name },
        ...(!isSame && { labelMap: Object.fromEntries(entries) }),
        ...{ ...several.fields, randomOrderSeed: 0 },
        used: [...several.names, column.name],
        notes: [...notes, ...several.notes],
      };
    }
  }
  return undefined;
};

/** Lists of numbers as long as the list of candidates, in the sampled rows. */
function numbersBeside({ facts }: Seen, { list }: Several): ColumnFacts[] {
  if (list === undefined) return [];
  const lengthOf = (row: (typeof facts.sample)[number], name: string): number => {
    const value = valueAt(row, name);
    return Array.isArray(value) ? value.length : -1;
  };
  return facts.columns.filter(
    (column) =>
      column.list?.elementShape === 'number' &&
      facts.sample.every((row) => lengthOf(row, column.name) === lengthOf(row, list.name)),
  );
}

export const guessRanking: Guesser = (seen, label) => {
  for (const several of severalIn(seen)) {
    const found = numbersBeside(seen, several).find(({ name }) => label === undefined || name === label);
    if (found === undefined || several.list === undefined) continue;
    const { sample } = seen.facts;
    const listsOf = (name: string): number[][] =>
      sample.map((row) => (valueAt(row, name) as readonly unknown[]).map(Number));
    const numbers = listsOf(found.name);
    const tiedCount = numbers.filter((row) => new Set(row).size < row.length).length;
    const isRank =
      /rank|place|position|order/i.test(found.name) ||
      (found.list?.numbers?.isWhole === true &&
        numbers.every((row) => Math.min(...row) === 1 && Math.max(...row) <= row.length));
    const order = isRank ? 'least is best' : 'greatest is best';
    const tied = `${tiedCount} of ${sample.length} sampled rows have equal ones`;
    const base = { asked: 'better', used: [...several.names, found.name] };
    if (tiedCount > sample.length / 20 && isRank) {
      const isShown = several.fields.compared.what === 'picture';
      return {
        ...{ ...base, kind: 'pairwise', labels: ['first', 'second'], label: { lesserOf: ['rank_0', 'rank_1'] } },
        ranking: { images: several.list.name, ranks: found.name, to: 'pairs' },
        ...(isShown ? { images: ['image_0', 'image_1'] } : { images: [], candidates: ['image_0', 'image_1'] }),
        compared: { count: 2, what: isShown ? 'picture' : 'text', areImages: isShown },
        randomOrderSeed: 0,
        notes: [
          `\`${found.name}\` ranks \`${several.list.name}\` (${order}); ${tied}, so rows are read as pairs of different ranks.`,
          ...several.notes,
        ],
      };
    }
    return {
      ...{ ...base, ...several.fields, kind: 'ranking', labels: lettersOf(several.countMax) },
      label: isRank ? { lesserOf: found.name } : { greaterOf: found.name },
      randomOrderSeed: 0,
      notes: [`\`${found.name}\` orders \`${several.list.name}\` (${order}); ${tied}.`, ...several.notes],
    };
  }
  return undefined;
};
