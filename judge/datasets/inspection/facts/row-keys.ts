/** Which column names a row, and which ties rows together that no split may part. */
import { keyField } from '../../readers/row.ts';
import { valueAt } from '../../rows/jsonl-row.ts';
import { type ColumnFacts, valueText } from './column-facts.ts';
import { isPictureColumn } from './pictures.ts';
import type { Seen, TaskGuess } from '../guesses/task-guess.ts';

const idNames = /^(id|idx|uid|uuid|key|identifier|index|row_?id|example_?id|sample_?id|item_?id)$/i;
const groupNames =
  /^(group|stem|cluster|family|scene|topic|thread|conversation|session|parent|pair_?id|group_?id|(source|text|prompt|question|query|image|document|scene|topic|user|video|item)_?id)$/i;
/** A text ties rows if a value has at most this many on average. */
const rowsPerTextMax = 5;
const rowsPerPictureMax = 50;
const groupCountMin = 10;

export interface RowKeys {
  readonly id: string;
  readonly group: string | undefined;
  /** Groups that splits are made of. */
  readonly groupCount: number;
  readonly notes: readonly string[];
}

/** @param item the column of which adjacent rows of the same value are one example */
export function rowKeys(seen: Seen, guess: TaskGuess, prompt: readonly string[], item?: ColumnFacts): RowKeys {
  const { facts } = seen;
  if (item !== undefined) return keysOfItems(seen, guess, prompt, item);
  const id = facts.columns.find((column) => idNames.test(column.name) && isPlain(column));
  const isUnique =
    id !== undefined && isComplete(id, facts.rowCount) && !id.isDistinctCapped && id.distinctCount === facts.rowCount;
  const group = groupOf(seen, guess, prompt, isUnique ? undefined : id);
  const notes: string[] = [];
  if (id !== undefined && !isUnique) {
    const why = id.isDistinctCapped ? 'has more values than are compared' : 'is not different in every row';
    notes.push(`\`${id.name}\` ${why}, so the row's number names it.`);
  }
  return {
    id: isUnique ? id.name : keyField,
    group: group?.name,
    groupCount: group?.distinctCount ?? facts.rowCount - facts.repeatedCount,
    notes: group === undefined ? notes : [...notes, `Rows with the same \`${group.name}\` stay in one split.`],
  };
}

function keysOfItems(seen: Seen, guess: TaskGuess, prompt: readonly string[], item: ColumnFacts): RowKeys {
  const group = groupOf(seen, { ...guess, used: [...guess.used, item.name] }, prompt, undefined);
  const ties = group === undefined || group.distinctCount >= item.distinctCount ? undefined : group;
  const notes = [`The rows of the same \`${item.name}\` are one example.`];
  return {
    ...{ id: item.name, group: ties?.name, groupCount: (ties ?? item).distinctCount },
    notes: ties === undefined ? notes : [...notes, `Rows with the same \`${ties.name}\` stay in one split.`],
  };
}

const isPlain = ({ shape }: ColumnFacts): boolean => ['text', 'number', 'picture', 'boolean'].includes(shape);
const isComplete = ({ missingCount }: ColumnFacts, rowCount: number): boolean => missingCount === 0 && rowCount > 0;

function groupOf(
  seen: Seen,
  { used, ranking }: TaskGuess,
  prompt: readonly string[],
  repeatedId: ColumnFacts | undefined,
): ColumnFacts | undefined {
  const { columns, rowCount } = seen.facts;
  const isRepeated = (column: ColumnFacts): boolean =>
    isComplete(column, rowCount) &&
    column.distinctCount > 1 &&
    column.distinctCount < rowCount &&
    valuesOf(seen, column).length > 0;
  const texts = prompt.flatMap((name) => columns.find((column) => column.name === name) ?? []);
  if (ranking !== undefined) return texts.find((column) => isComplete(column, rowCount));
  const grouping = columns.find(
    (column) => groupNames.test(column.name) && isPlain(column) && isRepeated(column) && !used.includes(column.name),
  );
  if (grouping !== undefined) return grouping;
  if (repeatedId !== undefined && isRepeated(repeatedId) && tiesRows(seen, repeatedId, texts)) return repeatedId;
  const isShown = ({ name }: ColumnFacts): boolean => seen.pictures.shown.some((shown) => shown.name === name);
  const isNumerous = ({ distinctCount, shape, isDistinctCapped }: ColumnFacts): boolean =>
    isDistinctCapped ||
    (distinctCount >= Math.min(groupCountMin, rowCount / 2) &&
      rowCount / distinctCount <= (shape === 'picture' ? rowsPerPictureMax : rowsPerTextMax));
  const absentPicture = columns.find(
    (column) =>
      isPictureColumn(column) &&
      column.shape === 'picture' &&
      !isShown(column) &&
      isRepeated(column) &&
      !used.includes(column.name) &&
      isNumerous(column),
  );
  return absentPicture ?? texts.find((column) => isRepeated(column) && isNumerous(column));
}

function valuesOf({ facts }: Seen, { name }: ColumnFacts): string[] {
  return facts.sample.flatMap((row) => valueText(valueAt(row, name)) ?? []);
}

/** Whether rows of the same id have the same text, in the sample; an id may also repeat by chance. */
function tiesRows(seen: Seen, id: ColumnFacts, texts: readonly ColumnFacts[]): boolean {
  const [text] = texts;
  if (text === undefined) return true;
  const textOf = new Map<string, string>();
  let [same, other] = [0, 0];
  for (const row of seen.facts.sample) {
    const [key, value] = [valueText(valueAt(row, id.name)), valueText(valueAt(row, text.name))];
    if (key === undefined || value === undefined) continue;
    const known = textOf.get(key);
    if (known === undefined) textOf.set(key, value);
    else if (known === value) same++;
    else other++;
  }
  return same > other;
}
