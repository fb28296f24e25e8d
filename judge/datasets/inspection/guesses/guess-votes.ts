/** How a recipe reads the votes of several people: as the label, or beside it for the agreement alone. */
import type { KindedTask } from '../../../../recipes/fields/task-fields.ts';
import type { VotesSpec } from '../../../../recipes/fields/vote-fields.ts';
import { kindOf } from '../../../kinds/table.ts';
import { UnusableRow } from '../../reading.ts';
import { labelOf } from '../../rows/label.ts';
import { type GivenVote, votesIn } from '../../rows/row-votes.ts';
import { votedLabelOf } from '../../rows/voted-label.ts';
import type { Row } from '../../rows/jsonl-row.ts';
import { ColumnCollector, type ColumnFacts } from '../facts/column-facts.ts';
import type { Seen, TaskGuess } from './task-guess.ts';
import type { Votes } from './vote-columns.ts';

export interface ReadVotes extends Votes {
  readonly labelBy: VotesSpec['labelBy'];
  /** Values that take no side. */
  readonly abstentions?: readonly string[];
}

/** Ties are left out and not quarantined, because nobody knows how many there will be. */
export const specOf = ({ labelBy, abstentions = [] }: ReadVotes) => ({
  labelBy,
  ...(labelBy === 'majority' && { undecided: 'leave-out' }),
  ...(abstentions.length > 0 && { abstentions }),
});

/** Votes of one row that are looked at, where they are counts. */
const countedMax = 100;
/** Verdicts of programs are no votes of people. */
const ofPrograms = /judg|model/i;

/** All votes of the sampled rows as one column. */
export function columnOfVotes({ facts }: Seen, { column, where }: Votes): ColumnFacts {
  const collector = new ColumnCollector(column);
  let count = 0;
  const add = ({ value, count: given }: GivenVote): void => {
    for (let i = 0; i < Math.min(given, countedMax); i++, count++) collector.add(value);
  };
  for (const row of facts.sample) attempt(() => votesIn(row, where))?.forEach(add);
  return collector.facts(count);
}

/** The guess whose label is the column of votes, with the votes in place of it. */
export function labelledByVotes(guess: TaskGuess, votes: Votes): TaskGuess {
  const labelBy = labelByOf(guess);
  const how = labelBy === 'mean' ? 'their mean' : 'the most common one';
  return {
    ...{ ...guess, label: undefined, asked: 'label', used: [...guess.used, votes.column] },
    votes: { ...votes, labelBy },
    notes: [...guess.notes, `\`${votes.column}\` holds ${votes.found}: ${how} is the label.`],
  };
}

const labelByOf = (guess: TaskGuess): 'mean' | 'majority' =>
  kindOf(guess).votesAre === 'numbers' ? 'mean' : 'majority';

/** The first votes that are values of the label, a few abstentions aside, in all sampled rows that have one. */
export function votesBesideLabel(seen: Seen, guess: TaskGuess, found: readonly Votes[]): ReadVotes | undefined {
  const { label, labelMap = {} } = guess;
  const [first, second, ...others] = guess.labels;
  if (typeof label !== 'string' || first === undefined || second === undefined) return undefined;
  if (kindOf(guess).votesAre === undefined) return undefined;
  const task: KindedTask = { ...guess, labels: [first, second, ...others] };
  const rule = { fields: { label }, labelMap };
  const isLabelled = (row: Row): boolean => attempt(() => labelOf(row, rule, task)) !== undefined;
  const labelled = seen.facts.sample.filter(isLabelled);
  for (const votes of found) {
    if (ofPrograms.test(votes.column)) continue;
    const abstentions = abstentionsIn(columnOfVotes(seen, votes), (value) => isLabelled({ [label]: value }));
    if (abstentions === undefined) continue;
    const voted = {
      ...rule,
      fields: { label, votes: votes.where },
      votes: { labelBy: 'field', undecided: 'leave-out', abstentions },
    } as const;
    const hasVotes = (row: Row): boolean => attempt(() => votedLabelOf(row, voted, task)) !== undefined;
    if (labelled.length > 0 && labelled.every(hasVotes)) return { ...votes, labelBy: 'field', abstentions };
  }
  return undefined;
}

const [abstentionShareMax, abstentionCountMax] = [0.1, 3];

/** Values that are no label, such as `unsure`; undefined if they are not few. */
function abstentionsIn(
  { values, presentCount }: ColumnFacts,
  isLabel: (value: string) => boolean,
): string[] | undefined {
  const other = [...(values ?? [])].filter(([value]) => !isLabel(value));
  const count = other.reduce((sum, [, each]) => sum + each, 0);
  if (other.length > abstentionCountMax || count > abstentionShareMax * presentCount) return undefined;
  return other.map(([value]) => value);
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnusableRow) return undefined;
    throw error;
  }
}

/** What is done with votes, for comments and lists. */
export function votesText({ column, found }: Votes, read: ReadVotes | undefined): string {
  if (read?.column !== column)
    return `\`${column}\` holds ${found}, which are not read: they are no values of the label.`;
  if (read.labelBy === 'field')
    return `\`${column}\` holds ${found}${abstained(read)}, read for the agreement with people; with \`labelBy: majority\` and without fields.label they are the label.`;
  return `\`${column}\` holds ${found}, which make the label; rows whose votes tie are left out.`;
}

const abstained = ({ abstentions = [] }: ReadVotes): string =>
  abstentions.length === 0 ? '' : `, of which ${abstentions.join(', ')} takes no side`;
