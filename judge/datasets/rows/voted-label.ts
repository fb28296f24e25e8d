/** Derives a row's label from the votes of several people, and keeps the votes. */
import type { VoteFields, VotesSpec } from '../../../recipes/fields/vote-fields.ts';
import type { KindedTask } from '../../../recipes/fields/task-fields.ts';
import type { VoteCount } from '../../example.ts';
import type { RowLabel } from '../../kinds/kind.ts';
import { nearestLabel } from '../../kinds/label-numbers.ts';
import { named } from '../../kinds/row-label.ts';
import { kindOf } from '../../kinds/table.ts';
import { voteCounts } from '../../vote-counts.ts';
import { UnusableRow } from '../reading.ts';
import { type Row, textField } from './jsonl-row.ts';
import { labelOf, type LabelRule } from './label.ts';
import { type GivenVote, votesIn } from './row-votes.ts';

export interface VoteRule extends LabelRule {
  readonly fields: LabelRule['fields'] & { readonly votes?: VoteFields | undefined };
  readonly votes?: VotesSpec | undefined;
}

export interface VotedLabel extends RowLabel {
  /** Absent if the dataset has no votes. */
  readonly votes?: readonly VoteCount[];
}

/** A vote that has been read; undefined `label` is an abstention. */
interface ReadVote {
  readonly label?: RowLabel;
  readonly count: number;
}

/** The defaults of the schema: what `votes` is if a dataset has `fields.votes` alone. */
const standardVotes: VotesSpec = { labelBy: 'majority', undecided: 'quarantine' };

/** Different votes of one row, so that an example stays small whatever the number of votes. */
const distinctCountMax = 64;

/**
 * The row's label by the rule of its dataset, with its votes. UnusableRow VOTES_UNDECIDED or LEFT_OUT with the votes if
 * they decide nothing; FIELD_MISSING without votes; LABEL_UNKNOWN for a vote that is no label.
 */
export function votedLabelOf(row: Row, rule: VoteRule, task: KindedTask): VotedLabel {
  const { fields, votes: spec = standardVotes } = rule;
  if (fields.votes === undefined) return labelOf(row, rule, task);
  const { read, leftOut } = readVotes(votesIn(row, fields.votes), rule, spec, task);
  if (read.length === 0) throw leftOut ?? new UnusableRow('FIELD_MISSING', 'the row has no votes');
  const votes = countsOf(read, rule, task);
  if (votes.length > distinctCountMax)
    throw new UnusableRow('LABEL_UNKNOWN', `the row has more than ${distinctCountMax} different votes`);
  return { ...decided(read, votes, spec, { row, rule, task }), votes };
}

/** Votes whose value `labelMap` leaves out are none; `leftOut` is the first of them. */
function readVotes(given: readonly GivenVote[], rule: VoteRule, spec: VotesSpec, task: KindedTask) {
  let leftOut: UnusableRow | undefined;
  const read = given.flatMap((vote) => {
    try {
      return [readVote(vote, rule, spec, task)];
    } catch (error) {
      if (!(error instanceof UnusableRow) || error.code !== 'LEFT_OUT') throw error;
      leftOut ??= error;
      return [];
    }
  });
  return { read, leftOut };
}

function readVote({ name, value, count }: GivenVote, rule: VoteRule, spec: VotesSpec, task: KindedTask): ReadVote {
  const text = textField({ [name]: value }, name);
  if (named(text, (spec.abstentions ?? []).map(String)) !== undefined) return { count };
  return { label: labelOf({ [name]: text }, { ...rule, fields: { label: name } }, task), count };
}

const numberOf = ({ label, score }: RowLabel): number => score ?? Number(label);

/** Numbers that thresholds turn into labels are on a scale of their own: their labels are what a judge can say. */
function countsOf(read: readonly ReadVote[], { labelThresholds }: VoteRule, task: KindedTask): VoteCount[] {
  const isNumber = kindOf(task).votesAre === 'numbers' && labelThresholds === undefined;
  const nameOf = (label: RowLabel): string => (isNumber ? String(numberOf(label)) : label.label);
  return voteCounts(read.map(({ label, count }) => [label === undefined ? null : nameOf(label), count]));
}

interface Source {
  readonly row: Row;
  readonly rule: VoteRule;
  readonly task: KindedTask;
}

function decided(
  read: readonly ReadVote[],
  votes: readonly VoteCount[],
  { labelBy, undecided }: VotesSpec,
  { row, rule, task }: Source,
): RowLabel {
  if (labelBy === 'field') return labelOf(row, rule, task);
  const sides = votes.flatMap(([vote, count]) => (vote === null ? [] : [{ vote, count }]));
  const [first] = sides;
  if (first === undefined) return withoutDecision(votes, undecided, task);
  if (labelBy === 'mean') return labelOfMean(read, rule, task);
  if (labelBy === 'first') return labelOfVote(first.vote, task);
  if (labelBy === 'unanimous' && sides.length === 1) return labelOfVote(first.vote, task);
  const most = Math.max(...sides.map(({ count }) => count));
  const [winner, other] = sides.filter(({ count }) => count === most);
  if (winner !== undefined && other === undefined && labelBy === 'majority') return labelOfVote(winner.vote, task);
  return withoutDecision(votes, undecided, task, winner?.vote);
}

/** @param first the one of the most common votes that was given first */
function withoutDecision(
  votes: readonly VoteCount[],
  undecided: VotesSpec['undecided'],
  task: KindedTask,
  first?: string,
): RowLabel {
  if (typeof undecided === 'object') return labelOfVote(undecided.label, task);
  if (undecided === 'first' && first !== undefined) return labelOfVote(first, task);
  const said = votes.map(([vote, count]) => `${count} ${vote ?? 'abstained'}`).join(', ');
  throw new UnusableRow(undecided === 'leave-out' ? 'LEFT_OUT' : 'VOTES_UNDECIDED', `the votes are ${said}`);
}

function labelOfVote(vote: string, task: KindedTask): RowLabel {
  if (kindOf(task).votesAre === 'labels') return { label: vote };
  return { label: nearestLabel(Number(vote), task.labels), score: Number(vote) };
}

/** By the thresholds, else the nearest label. */
function labelOfMean(read: readonly ReadVote[], rule: VoteRule, task: KindedTask): RowLabel {
  const sides = read.flatMap(({ label, count }) => (label === undefined ? [] : [{ value: numberOf(label), count }]));
  const total = sides.reduce((sum, { count }) => sum + count, 0);
  const mean = sides.reduce((sum, { value, count }) => sum + value * count, 0) / total;
  if (rule.labelThresholds === undefined) return { label: nearestLabel(mean, task.labels), score: mean };
  const field = 'the mean of the votes';
  return labelOf({ [field]: mean }, { ...rule, fields: { label: field } }, task);
}
