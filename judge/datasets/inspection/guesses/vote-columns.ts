/** Columns with several verdicts on a row: a list of ratings, an object by annotator, or a column an annotator. */
import type { VoteFields } from '../../../../recipes/fields/vote-fields.ts';
import { valueAt } from '../../rows/jsonl-row.ts';
import { type ColumnFacts, valueText } from '../facts/column-facts.ts';
import type { Seen } from './task-guess.ts';

export interface Votes {
  /** A column, or a pattern of columns. */
  readonly column: string;
  /** What is there, in words. */
  readonly found: string;
  /** Where a recipe reads them. */
  readonly where: VoteFields;
}

const named = /vote|rat(ing|er)s?|annot|judg|scores?|labels?|evals?|opinions?|raters?|coder|worker|reviewer/i;
/** Names that speak of people or of their votes. */
const people = /vote|rat(ing|er)|annot|opinion|evals?$|coder|worker|reviewer|responses$/i;
const counted = /vote|count|poll/i;
const listedVoterMax = 50;
const listedValueMax = 50;

/** Whether the name of a column says that people's verdicts are in it: a label of no sure name gives way to them. */
export const isOfPeople = (name: string): boolean => people.test(name);

/**
 * @param used columns that label and candidates come from
 * @param isPair whether two things are compared, of which columns in pairs then are facts
 */
export function voteColumns(seen: Seen, used: readonly string[], isPair = false): Votes[] {
  const free = seen.facts.columns.filter(
    ({ name }) => !used.includes(name) && !used.includes(name.split('.')[0] ?? ''),
  );
  return [...listed(seen, free), ...byMember(free), ...(isPair ? [] : byColumn(seen, free))];
}

function listed({ facts }: Seen, columns: readonly ColumnFacts[]): Votes[] {
  return columns.flatMap(({ name, list }): Votes[] => {
    if (list === undefined || name.includes('.')) return [];
    if (list.elementShape === 'object') return ofObjects(facts.sample, name);
    if (list.lengthUsual < 2 || !named.test(name)) return [];
    const { elementShape, elements, numbers, lengthMin, lengthMax } = list;
    const isVerdict = elementShape === 'number' || (elements !== undefined && elements.length <= listedVoterMax);
    if (!isVerdict) return [];
    const count = lengthMin === lengthMax ? String(lengthMax) : `${lengthMin} to ${lengthMax}`;
    const range =
      numbers === undefined ? (elements ?? []).slice(0, 6).join(', ') : `from ${numbers.min} to ${numbers.max}`;
    return [{ column: name, found: `${count} verdicts a row (${range})`, where: name }];
  });
}

/** Where tools for labelling keep the verdict of one person. */
const verdictPlaces = [
  'result.0.value.choices.0',
  'result.0.value.rating',
  'label',
  'vote',
  'rating',
  'value',
  'answer',
];
const cancelledField = 'was_cancelled';

/** Objects in a list, one a person, such as the annotations of Label Studio. */
function ofObjects(sample: Seen['facts']['sample'], name: string): Votes[] {
  if (!isOfPeople(name)) return [];
  const elements = sample.flatMap((row) => {
    const list = valueAt(row, name);
    return Array.isArray(list) ? list.filter(isObject) : [];
  });
  const vote = verdictPlaces.find((place) => {
    const values = new Set(elements.flatMap((element) => valueText(valueAt(element, place)) ?? []));
    const count = elements.filter((element) => valueText(valueAt(element, place)) !== undefined).length;
    return count > elements.length / 2 && values.size <= listedValueMax;
  });
  if (vote === undefined) return [];
  const where = elements.some((element) => cancelledField in element) && {
    where: { [cancelledField]: { not: [true] } },
  };
  return [{ column: name, found: `verdicts in \`${vote}\` of each element`, where: { list: name, vote, ...where } }];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function byMember(columns: readonly ColumnFacts[]): Votes[] {
  return columns.flatMap(({ name, shape }): Votes[] => {
    if (shape !== 'object' || !named.test(name) || name.includes('.')) return [];
    const members = columns.filter((column) => column.name.startsWith(`${name}.`));
    const isPlain =
      members.length > 1 && members.every((member) => ['text', 'number', 'boolean'].includes(member.shape));
    if (!isPlain) return [];
    const names = members.map((member) => member.name.slice(name.length + 1));
    const shown = `${names.slice(0, 4).join(', ')}${names.length > 4 ? ' and others' : ''}`;
    const isCount = counted.test(name) && members.every(({ numbers }) => numbers?.isWhole === true && numbers.min >= 0);
    const found = isCount ? `counts of verdicts by their name (${shown})` : `verdicts by their author (${shown})`;
    return [{ column: name, found, where: isCount ? { counts: name } : name }];
  });
}

function byColumn({ siblings }: Seen, columns: readonly ColumnFacts[]): Votes[] {
  const isFree = (name: string): boolean => columns.some((column) => column.name === name && column.shape !== 'list');
  const numbered = siblings
    .filter(({ pattern, isRanked }) => !isRanked && named.test(pattern))
    .map(({ pattern, names }) => ({ pattern, names }));
  return [...numbered, ...byPerson(columns)]
    .filter(({ names }) => names.every((name) => !name.includes('.') && isFree(name)))
    .map(({ pattern, names }) => ({
      ...{ column: pattern, found: `verdicts in ${names.length} columns` },
      where: [...names],
    }));
}

/** `rater_anna` and `rater_ben`; `anna_rating` and `ben_rating`. Numbers and letters are found as siblings. */
const ofPerson =
  /^(?<before>(?:rater|annotator|coder|worker|reviewer|vote)[ _.:-])(?<who>[a-z]{2,})$|^(?<name>[a-z]{2,})(?<after>[ _.:-](?:rater|annotator|coder|vote|rating))$/i;
/** What such columns may say beside a verdict. */
const aboutVote = /^(id|ids|name|count|comments?|notes?|time|reason|mean|avg|average|final|user|human|overall)$/i;

function byPerson(columns: readonly ColumnFacts[]): { readonly pattern: string; readonly names: readonly string[] }[] {
  const groups = new Map<string, string[]>();
  for (const { name, values } of columns) {
    const { before = '', who, name: first, after = '' } = ofPerson.exec(name)?.groups ?? {};
    const person = who ?? first;
    if (person === undefined || aboutVote.test(person) || values === undefined || values.size > listedValueMax)
      continue;
    const pattern = `${before}*${after}`;
    groups.set(pattern, [...(groups.get(pattern) ?? []), name]);
  }
  return [...groups].map(([pattern, names]) => ({ pattern, names })).filter(({ names }) => names.length > 1);
}
