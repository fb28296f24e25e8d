/** The likeliest task over a table, or the one that fits what the user has chosen. */
import { MtrlError } from '../../../../core/errors.ts';
import { type KindName, kindNames } from '../../../kinds/table.ts';
import { valueAt } from '../../rows/jsonl-row.ts';
import { ColumnCollector, type ColumnFacts } from '../facts/column-facts.ts';
import { columnOfVotes, labelledByVotes, votesBesideLabel } from './guess-votes.ts';
import { guessPairwise } from './guess-pairwise.ts';
import { guessChoice, guessRanking } from './guess-several.ts';
import { guessCriteria, pointwiseOf, scoreOf } from './guess-single.ts';
import { type LabelColumn, labelColumns } from './label-columns.ts';
import type { Pictures } from '../facts/pictures.ts';
import { type PromptFields, promptFields } from './prompt-fields.ts';
import { promptOf, questionOf } from './prompt-template.ts';
import { type RowKeys, rowKeys } from '../facts/row-keys.ts';
import { siblingColumns } from './sibling-columns.ts';
import { type Splits, splitsOf } from '../plan/source-splits.ts';
import type { TableFacts } from '../facts/table-facts.ts';
import type { Guesser, Seen, TaskGuess } from './task-guess.ts';
import { isOfPeople, type Votes, voteColumns } from './vote-columns.ts';
import { type VoteRows, voteRowsOf } from './vote-rows.ts';

/** What the user says instead of a guess. */
export interface Choices {
  readonly label?: string | undefined;
  readonly kind?: KindName | undefined;
  /** What the judge is asked, without `mode_word`. */
  readonly question?: string | undefined;
}

export interface GuessedTask {
  readonly seen: Seen;
  readonly guess: TaskGuess;
  readonly prompt: string;
  readonly question: string;
  readonly fields: PromptFields;
  readonly keys: RowKeys;
  readonly splits: Splits;
  readonly votes: readonly Votes[];
}

export function seenOf(facts: TableFacts, pictures: Pictures): Seen {
  const siblings = siblingColumns(facts.columns.map(({ name }) => name));
  return { facts, pictures, labels: labelColumns(facts), siblings };
}

/** Kinds that compare first, as their columns are the most particular. */
const comparing: Readonly<Partial<Record<KindName, Guesser>>> = {
  pairwise: guessPairwise,
  choice: guessChoice,
  ranking: guessRanking,
  criteria: guessCriteria,
};

/** @throws NOT_FOUND without a column that can be the label, naming what is there and what to do */
export function guessTask(seen: Seen, choices: Choices): GuessedTask {
  const { label } = choices;
  const votes = voteColumns(seen, []);
  const namedVotes = votes.find(({ column }) => column === label);
  if (namedVotes !== undefined) {
    const guess = guessOfVotes(seen, [namedVotes], choices);
    if (guess !== undefined) return completed(seen, guess, choices);
  }
  const chosen = label === undefined ? seen : { ...seen, labels: [{ column: columnNamed(seen, label), weight: 100 }] };
  const labelled = firstGuess(chosen, choices);
  const isOpen = label === undefined && (labelled === undefined || !isSure(chosen, labelled));
  const voted = isOpen
    ? guessOfVotes(seen, labelled === undefined ? votes : votes.filter(({ column }) => isOfPeople(column)), choices)
    : undefined;
  const guess = voted ?? labelled;
  if (guess === undefined) throw noLabel(seen, choices);
  return completed(seen, guess, choices);
}

/** The kinds that the table can be, with this label if one is given. */
export function possibleKinds(seen: Seen, label: string | undefined): KindName[] {
  return kindNames.filter((kind) => {
    try {
      return guessTask(seen, { label, kind }).guess.kind === kind;
    } catch (error) {
      if (error instanceof MtrlError) return false;
      throw error;
    }
  });
}

function firstGuess(seen: Seen, { kind, label }: Choices): TaskGuess | undefined {
  for (const [name, guesser] of Object.entries(comparing)) {
    const guess = kind === undefined || kind === name || name === 'ranking' ? guesser(seen, label) : undefined;
    if (guess !== undefined && (kind === undefined || guess.kind === kind)) return guess;
  }
  const isChosen = kind !== undefined || label !== undefined;
  for (const column of seen.labels) {
    const guess = singleGuess(seen, column, kind, isChosen);
    if (guess !== undefined) return guess;
  }
  return undefined;
}

const single: Readonly<Partial<Record<KindName, typeof scoreOf>>> = { score: scoreOf, pointwise: pointwiseOf };

/** A label that the user names is a score only if it is likely one; a kind that the user names is tried as it is. */
function singleGuess(seen: Seen, column: LabelColumn, kind: KindName | undefined, isChosen: boolean) {
  if (kind !== undefined) return single[kind]?.(seen, column, true);
  return (
    scoreOf(seen, column, false) ??
    pointwiseOf(seen, column, isChosen) ??
    (isChosen ? scoreOf(seen, column, true) : undefined)
  );
}

/** A label that the votes of several people make. */
function guessOfVotes(seen: Seen, found: readonly Votes[], { kind }: Choices): TaskGuess | undefined {
  for (const votes of found) {
    const column = columnOfVotes(seen, votes);
    const labels = [{ column, weight: 100 }];
    const guess = firstGuess({ ...seen, labels }, { kind, label: column.name });
    if (guess?.label === column.name) return labelledByVotes(guess, votes);
  }
  return undefined;
}

/** From this weight on, a column is the label by its name. */
const namedWeight = 90;

/** Whether a guess is surer than one of votes: things are compared, or a column is the label by its name. */
function isSure({ labels }: Seen, { label, compared }: TaskGuess): boolean {
  if (compared !== undefined) return true;
  return labels.some(({ column, weight }) => column.name === label && weight >= namedWeight);
}

/** The column, or a field inside one (`ratings.0`), as the sampled rows have it. */
function columnNamed({ facts }: Seen, name: string): ColumnFacts {
  const column = facts.columns.find((each) => each.name === name) ?? sampledColumn(facts, name);
  if (column.presentCount > 0) return column;
  const names = facts.columns.map((each) => each.name);
  throw new MtrlError('NOT_FOUND', `there is no column ${name}`, { where: placesOf(facts), found: names.join(', ') });
}

function sampledColumn({ sample }: TableFacts, name: string): ColumnFacts {
  const collector = new ColumnCollector(name);
  for (const row of sample) collector.add(valueAt(row, name));
  return collector.facts(sample.length);
}

const placesOf = ({ sources }: TableFacts): string => sources.map(({ path }) => path).join(', ');
const listedColumnMax = 30;

function noLabel({ facts }: Seen, { label, kind }: Choices): MtrlError {
  const names = facts.columns.map(({ name, shape, distinctCount }) => `${name} (${shape}, ${distinctCount} values)`);
  const found = names.slice(0, listedColumnMax).join(', ') + (names.length > listedColumnMax ? ', ...' : '');
  const where = placesOf(facts);
  if (kind !== undefined)
    return new MtrlError('NOT_FOUND', `the rows cannot be a ${kind} task`, {
      where,
      found,
      hint: 'choose another kind',
    });
  if (label !== undefined)
    return new MtrlError('NOT_FOUND', `\`${label}\` cannot be the label`, {
      where,
      found,
      hint: 'choose a column of 2 to 40 different values or of numbers',
    });
  const isFolder = facts.sources.some(({ reader }) => reader === 'folder');
  return new MtrlError('NOT_FOUND', 'no column can be the label', {
    where,
    found: found === '' ? 'no columns' : found,
    hint: isFolder
      ? 'put the pictures into one sub-folder a class; or give rows that name a picture and its label'
      : 'a label has 2 to 20 different values, or numbers in a column named score, rating or mean; two answers are named chosen and rejected, or like image_0, image_1 with label_0, label_1. Rename the column `label`, or name it with --label',
  });
}

function completed(seen: Seen, labelled: TaskGuess, choices: Choices): GuessedTask {
  const rows = voteRowsOf(seen, labelled);
  const used = labelled.used.filter((name) => name !== labelled.votes?.column);
  const votes = voteColumns(seen, used, labelled.compared !== undefined);
  const guess = withVotes(seen, labelled, votes, rows);
  const voted = votes.flatMap(({ column, where }) => [column, ...(Array.isArray(where) ? where : [])]);
  const fields = promptFields(seen, { ...guess, used: [...guess.used, ...voted] });
  if (guess.compared === undefined && guess.images.length === 0 && fields.fields.length === 0) {
    throw new MtrlError('NOT_FOUND', 'there is nothing to show to a judge: neither a picture nor a text', {
      where: placesOf(seen.facts),
      found: seen.facts.columns.map(({ name, shape }) => `${name} (${shape})`).join(', '),
      hint: 'name the column with the text text, caption, question or prompt; name the pictures by file, and their folder with --images',
    });
  }
  const keys = rowKeys(seen, guess, fields.fields, rows?.isSorted === true ? rows.item : undefined);
  const question = choices.question ?? questionOf(guess, fields.fields);
  return {
    ...{ seen, guess, fields, keys, votes, question },
    prompt: promptOf(seen, guess, fields, question),
    splits: splitsOf(seen.facts, keys.groupCount),
  };
}

/** With the votes in the rows of each item, or in other columns beside the label. */
function withVotes(seen: Seen, guess: TaskGuess, found: readonly Votes[], rows: VoteRows | undefined): TaskGuess {
  const { label } = guess;
  if (rows !== undefined && typeof label === 'string') {
    const { item, person, isSorted } = rows;
    const verdicts = `the verdict of each \`${person}\` on \`${item.name}\` in a row of its own`;
    if (isSorted) {
      const voted = labelledByVotes(guess, { column: label, found: verdicts, where: { rows: label } });
      return { ...voted, asked: guess.asked, used: [...voted.used, person] };
    }
    const unsorted = `There is ${verdicts}: sort the file by \`${item.name}\`, name it as fields.id, and write fields.votes: { rows: ${label} } in place of fields.label.`;
    return { ...guess, notes: [...guess.notes, unsorted] };
  }
  const beside = guess.votes === undefined ? votesBesideLabel(seen, guess, found) : undefined;
  return beside === undefined ? guess : { ...guess, votes: beside };
}
