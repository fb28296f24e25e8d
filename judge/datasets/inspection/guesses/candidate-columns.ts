/** Columns that hold what is compared: two or more of the same name but for a mark, or a list. */
import type { ColumnFacts } from '../facts/column-facts.ts';
import { isPictureColumn } from '../facts/pictures.ts';
import type { Siblings } from './sibling-columns.ts';
import type { Compared, Seen, TaskGuess } from './task-guess.ts';

const named =
  /(response|answer|output|completion|candidate|option|choice|text|caption|word|sentence|reply|summary|translation|edit|story|generation|image|img|jpg|picture|photo|path|chosen|better|winner|preferred|accepted)/i;
const unfit =
  /(model|source|reason|rationale|judge|author|lang|fps|frames|score|rating|label|rank|mean|share|votes?|_id$)/i;

export interface CandidateColumns {
  readonly siblings: Siblings;
  readonly fields: Pick<TaskGuess, 'images' | 'candidates'> & { readonly compared: Compared };
  readonly used: readonly string[];
  readonly notes: readonly string[];
}

/** Groups of columns that may be candidates, the likeliest first. */
export function candidateColumns(seen: Seen, isCount: (count: number) => boolean): CandidateColumns[] {
  const columnOf = new Map(seen.facts.columns.map((column) => [column.name, column]));
  return seen.siblings
    .filter(({ names }) => isCount(names.length) && names.every((name) => !name.includes('.')))
    .flatMap((siblings) => {
      const columns = siblings.names.flatMap((name) => columnOf.get(name) ?? []);
      const weight = weightOf(siblings, columns);
      return weight === undefined ? [] : [{ siblings, columns, weight }];
    })
    .sort((a, b) => b.weight - a.weight)
    .map(({ siblings, columns }) => asCandidates(seen, siblings, columns));
}

function weightOf({ pattern, isRanked }: Siblings, columns: readonly ColumnFacts[]): number | undefined {
  if (columns.every(isPictureColumn)) return columns.some(({ list }) => list !== undefined) ? undefined : 300;
  if (columns.every(({ shape }) => shape === 'video')) return 200;
  if (unfit.test(pattern) || !columns.every(({ shape }) => shape === 'text')) return undefined;
  if (columns.every(({ distinctCount }) => distinctCount < 2)) return undefined;
  const length = Math.min(50, ...columns.map(({ meanLength }) => meanLength));
  const isNamed = named.test(columns[0]?.name ?? '');
  return (isRanked ? 100 : 0) + (isNamed ? 60 : 0) + length - pattern.length / 10;
}

function asCandidates(seen: Seen, siblings: Siblings, columns: readonly ColumnFacts[]): CandidateColumns {
  const { names } = siblings;
  const isShown = (column: ColumnFacts): boolean => seen.pictures.shown.some(({ name }) => name === column.name);
  const count = names.length;
  const other = contextImages(seen, names);
  if (columns.every(isShown)) {
    const compared = { count, what: 'picture', areImages: other.length === 0 };
    const fields =
      other.length === 0
        ? { images: names, compared }
        : { images: other, candidates: names.map((image) => [{ image }]) as never, compared };
    return { siblings, fields, used: names, notes: [] };
  }
  const areMedia = !columns.every(({ shape }) => shape === 'text');
  const what = areMedia ? 'file' : 'text';
  const fields = { images: other, candidates: names as never, compared: { count, what, areImages: false } };
  const notes = areMedia ? [absentNote(columns)] : [];
  return { siblings, fields, used: names, notes };
}

function absentNote(columns: readonly ColumnFacts[]): string {
  const names = columns.map(({ name }) => `\`${name}\``).join(' and ');
  if (columns.every(({ shape }) => shape === 'video'))
    return `${names} name videos, which cannot be read: their names stand in their place. Give frames as pictures.`;
  return (
    `The pictures that ${names} name were not found, so their names stand in their place. With the pictures, set ` +
    `imageFolder, images: [${columns.map(({ name }) => name).join(', ')}] and no candidates, and write <image> for each in the prompt.`
  );
}

/** Pictures of a row beside its candidates. */
export function contextImages({ pictures, facts }: Seen, candidates: readonly string[]): string[] {
  return pictures.shown
    .filter(({ name, missingCount }) => !candidates.includes(name) && missingCount <= facts.rowCount / 2)
    .map(({ name }) => name);
}
