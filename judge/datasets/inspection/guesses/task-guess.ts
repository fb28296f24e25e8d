/** What a task over a table could be: everything of it but its prompt, with the reasons. */
import type { CandidatesSpec } from '../../../../recipes/fields/candidate-fields.ts';
import type { LabelField, RankingSpec } from '../../../../recipes/fields/dataset-options.ts';
import type { KindName } from '../../../kinds/table.ts';
import type { ReadVotes } from './guess-votes.ts';
import type { LabelColumn } from './label-columns.ts';
import type { Pictures } from '../facts/pictures.ts';
import type { Siblings } from './sibling-columns.ts';
import type { TableFacts } from '../facts/table-facts.ts';

/** A table as the guesses see it. */
export interface Seen {
  readonly facts: TableFacts;
  readonly pictures: Pictures;
  readonly labels: readonly LabelColumn[];
  readonly siblings: readonly Siblings[];
}

/** What is compared, for the words of a prompt. */
export interface Compared {
  /** Where all candidates have the same number of pictures or texts of their own. */
  readonly count: number | 'several';
  readonly what: string;
  /** Whether the images of the row are the candidates, without `candidates`. */
  readonly areImages: boolean;
}

export interface TaskGuess {
  readonly kind: KindName;
  readonly labels: readonly string[];
  readonly real?: true;
  readonly criteria?: Readonly<Record<string, null>>;
  /** Undefined if votes make it. */
  readonly label: LabelField | undefined;
  readonly votes?: ReadVotes;
  /** The column that is asked about, for the words of a prompt. */
  readonly asked: string;
  readonly labelMap?: Readonly<Record<string, string>>;
  readonly leaveOut?: Readonly<Record<string, readonly string[]>>;
  readonly ranking?: RankingSpec;
  readonly randomOrderSeed?: 0;
  readonly candidates?: CandidatesSpec;
  readonly compared?: Compared;
  /** Columns that are images of the row, candidates included. */
  readonly images: readonly string[];
  /** Columns that label and candidates come from. */
  readonly used: readonly string[];
  /** Why the label and the kind are these, one sentence each. */
  readonly notes: readonly string[];
}

/** A guess of one kind; undefined if the table cannot be that. `label`: the column that the user names. */
export type Guesser = (seen: Seen, label: string | undefined) => TaskGuess | undefined;
