/** Finds the votes of several people in a row: in columns, in a list, as counts, or in the rows of one item. */
import type { VoteFields } from '../../../recipes/fields/vote-fields.ts';
import { UnusableRow } from '../reading.ts';
import { listField, type Row, valueAt } from './jsonl-row.ts';
import { matching } from './row-candidates.ts';
import { leftOutBy } from './where.ts';

/** A vote as it stands in the row; `name` is the field that it comes from, for messages. */
export interface GivenVote {
  readonly name: string;
  readonly value: unknown;
  readonly count: number;
}

/** Votes of one row that are not counts. */
export const voteCountMax = 1000;

/** Field of a row that stands for adjacent rows with one vote each (vote-rows.ts): the list of their votes. */
export const groupedVotesField = '__votes__';

/** In the order of the row, without null and blank values. Throws UnusableRow FIELD_MISSING or LABEL_UNKNOWN. */
export function votesIn(row: Row, where: VoteFields): GivenVote[] {
  const votes = found(row, where).filter(({ value }) => !isBlank(value));
  if (votes.length <= voteCountMax) return votes;
  throw new UnusableRow('LABEL_UNKNOWN', `the row has more than ${voteCountMax} votes`);
}

function found(row: Row, where: VoteFields): GivenVote[] {
  if (typeof where === 'string') return members(row, where);
  if (Array.isArray(where)) return where.map((name) => ({ name, value: valueAt(row, name), count: 1 }));
  if ('columns' in where)
    return matching(row, where.columns).map((name) => ({ name, value: valueAt(row, name), count: 1 }));
  if ('counts' in where) return counts(row, where.counts);
  if ('rows' in where) return listField(row, groupedVotesField).map((value) => ({ name: where.rows, value, count: 1 }));
  return elements(row, where);
}

/** LEFT_OUT if the recipe leaves out all elements that there are. */
function elements(row: Row, { list, vote, where }: Extract<VoteFields, { list: string }>): GivenVote[] {
  const reasons: string[] = [];
  const votes = listField(row, list).flatMap((element, i) => {
    if (element === null) return [];
    if (!isObject(element)) throw new UnusableRow('FIELD_MISSING', `${list}.${i} is not an object with a vote`);
    const reason = leftOutBy(element, where);
    if (reason !== undefined) reasons.push(`${list}.${i}.${reason}`);
    return reason === undefined ? [{ name: `${list}.${i}.${vote}`, value: valueAt(element, vote), count: 1 }] : [];
  });
  const [reason] = reasons;
  if (votes.length === 0 && reason !== undefined) throw new UnusableRow('LEFT_OUT', reason);
  return votes;
}

/** Elements of a list, or members of an object. */
function members(row: Row, field: string): GivenVote[] {
  const value = valueAt(row, field);
  if (!isObject(value)) throw new UnusableRow('FIELD_MISSING', `${field} is not a list or an object with votes`);
  return Object.entries(value).map(([name, each]) => ({ name: `${field}.${name}`, value: each, count: 1 }));
}

function counts(row: Row, field: string): GivenVote[] {
  const value = valueAt(row, field);
  if (!isObject(value) || Array.isArray(value))
    throw new UnusableRow('FIELD_MISSING', `${field} is not an object of votes and their counts`);
  return Object.entries(value).flatMap(([vote, given]) => {
    // Parquet writes a struct's absent members as null.
    const count = given === null ? 0 : Number(given);
    if (!Number.isSafeInteger(count) || count < 0)
      throw new UnusableRow('LABEL_UNKNOWN', `${field}.${vote} is ${String(given).slice(0, 50)}, not a count`);
    return count === 0 ? [] : [{ name: field, value: vote, count }];
  });
}

const isObject = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !(value instanceof Uint8Array);

const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
