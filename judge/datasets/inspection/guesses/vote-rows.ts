/** Rows of one item that differ in the person who judged it, as MTurk writes them. */
import { kindOf } from '../../../kinds/table.ts';
import { valueAt } from '../../rows/jsonl-row.ts';
import { type ColumnFacts, valueText } from '../facts/column-facts.ts';
import type { Seen, TaskGuess } from './task-guess.ts';

const itemNames =
  /^(id|idx|key|uid|uuid|identifier|(hit|item|task|unit|example|sample|question|prompt|text|image|doc|document|pair|row)[ _-]?(id|idx|key|index)?)$/i;
const personNames =
  /^(annotator|worker|rater|coder|label+er|reviewer|assessor|participant|respondent|judge|user)[ _-]?(id|name)?$/i;
const rowsPerItemMin = 1.5;

export interface VoteRows {
  readonly item: ColumnFacts;
  readonly person: string;
  /** Whether the rows of each item follow each other, which a recipe needs. */
  readonly isSorted: boolean;
}

export function voteRowsOf({ facts }: Seen, guess: TaskGuess): VoteRows | undefined {
  if (typeof guess.label !== 'string' || kindOf(guess).votesAre === undefined) return undefined;
  const { columns, rowCount, sample } = facts;
  const plain = columns.filter(
    ({ shape, missingCount, distinctCount, isDistinctCapped }) =>
      ['text', 'number', 'picture'].includes(shape) && missingCount === 0 && distinctCount > 1 && !isDistinctCapped,
  );
  const person = plain.find(({ name }) => personNames.test(name));
  if (person === undefined) return undefined;
  const item = plain.find(
    ({ name, distinctCount }) =>
      itemNames.test(name) &&
      rowCount / distinctCount >= rowsPerItemMin &&
      rowCount / distinctCount <= person.distinctCount,
  );
  if (item === undefined) return undefined;
  const judged = sample.map((row) => JSON.stringify([item, person].map(({ name }) => valueText(valueAt(row, name)))));
  if (new Set(judged).size < judged.length) return undefined;
  return { item, person: person.name, isSorted: item.areEqualAdjacent };
}
