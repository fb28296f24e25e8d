/** Columns with several verdicts on a row: a list of ratings, an object by annotator, or a column an annotator. */
import type { ColumnFacts } from '../facts/column-facts.ts';
import type { Seen } from './task-guess.ts';

export interface Votes {
  readonly column: string;
  /** What is there, in words. */
  readonly found: string;
  /** A field with one of the verdicts, which a recipe can name. */
  readonly first: string | undefined;
}

const named = /vote|rat(ing|er)s?|annot|judg|scores?|labels?|evals?|opinions?|raters?/i;
const listedVoterMax = 50;

/**
 * @param used columns that label and candidates come from
 * @param isPair whether two things are compared, of which columns in pairs then are facts
 */
export function voteColumns(seen: Seen, used: readonly string[], isPair = false): Votes[] {
  const free = seen.facts.columns.filter(
    ({ name }) => !used.includes(name) && !used.includes(name.split('.')[0] ?? ''),
  );
  return [...listed(free), ...byMember(free), ...(isPair ? [] : byColumn(seen, free))];
}

function listed(columns: readonly ColumnFacts[]): Votes[] {
  return columns.flatMap(({ name, list }) => {
    if (list === undefined || list.lengthUsual < 2 || !named.test(name) || name.includes('.')) return [];
    const { elementShape, elements, numbers, lengthMin, lengthMax } = list;
    const isVerdict = elementShape === 'number' || (elements !== undefined && elements.length <= listedVoterMax);
    if (!isVerdict) return [];
    const count = lengthMin === lengthMax ? String(lengthMax) : `${lengthMin} to ${lengthMax}`;
    const range =
      numbers === undefined ? (elements ?? []).slice(0, 6).join(', ') : `from ${numbers.min} to ${numbers.max}`;
    return [
      { column: name, found: `${count} verdicts a row (${range})`, first: lengthMin > 0 ? `${name}.0` : undefined },
    ];
  });
}

function byMember(columns: readonly ColumnFacts[]): Votes[] {
  return columns.flatMap(({ name, shape }) => {
    if (shape !== 'object' || !named.test(name) || name.includes('.')) return [];
    const members = columns.filter((column) => column.name.startsWith(`${name}.`));
    const isPlain =
      members.length > 1 && members.every((member) => ['text', 'number', 'boolean'].includes(member.shape));
    if (!isPlain) return [];
    const names = members.map((member) => member.name.slice(name.length + 1));
    const shown = `${names.slice(0, 4).join(', ')}${names.length > 4 ? ' and others' : ''}`;
    const isCount = members.every(({ numbers }) => numbers?.isWhole === true && numbers.min >= 0);
    const full = members.find(({ missingCount }) => missingCount === 0);
    const found = isCount ? `counts of verdicts by their name (${shown})` : `verdicts by their author (${shown})`;
    return [{ column: name, found, first: isCount ? undefined : full?.name }];
  });
}

function byColumn({ siblings }: Seen, columns: readonly ColumnFacts[]): Votes[] {
  const isFree = (name: string): boolean => columns.some((column) => column.name === name && column.shape !== 'list');
  return siblings
    .filter(
      ({ pattern, names, isRanked }) =>
        !isRanked && named.test(pattern) && names.every((name) => !name.includes('.') && isFree(name)),
    )
    .map(({ pattern, names }) => ({ column: pattern, found: `verdicts in ${names.length} columns`, first: names[0] }));
}
