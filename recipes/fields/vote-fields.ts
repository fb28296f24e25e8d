/** Votes of several people on a row: where they are, and how a label is made of them (docs/data.md). */
import { z } from 'zod';
import { namePattern } from './scalars.ts';
import { whereSchema } from './where-field.ts';

const value = z.union([z.string(), z.number(), z.boolean()]);

const listed = z
  .strictObject({
    list: z.string().describe('Row field with a list of objects, one a vote.'),
    vote: z.string().describe('The vote inside an element, such as `result.0.value.choices.0`.'),
    where: whereSchema
      .optional()
      .describe(
        'Field inside an element -> condition of elements that are votes: `{ was_cancelled: { not: [true] } }`.',
      ),
  })
  .describe('Objects in a list, such as the annotations of Label Studio.');

const matched = z
  .strictObject({
    columns: namePattern.describe(
      'Row fields whose names match, such as `rater_*`, in the order of the numbers in place of `*`.',
    ),
  })
  .describe('Fields by a pattern.');

const counted = z
  .strictObject({ counts: z.string().describe('Row field with an object: vote -> how many people gave it.') })
  .describe('Counts instead of votes.');

const rows = z
  .strictObject({ rows: z.string().describe('Row field with the vote.') })
  .describe(
    'A row a vote: adjacent rows with the same `fields.id` are one example, all other fields of which are those of the ' +
      'first row. Sort the file by this id: a row that comes later is quarantined as `DUPLICATE_ID`.',
  );

export const voteFieldsSchema = z
  .union([z.string(), z.array(z.string()).min(2), listed, matched, counted, rows])
  .describe(
    'Where the votes of several people on the row are: a field with a list of them, or with an object (person -> vote); ' +
      'or fields with one vote each. Null and blank values are no votes.',
  );
export type VoteFields = z.infer<typeof voteFieldsSchema>;

const votes = z
  .strictObject({
    labelBy: z
      .enum(['majority', 'unanimous', 'first', 'mean', 'field'])
      .default('majority')
      .describe(
        'majority: the most common vote. unanimous: the vote of all. first: the vote of the first. mean: the mean of ' +
          'votes that are numbers, by `labelThresholds` or else the nearest label. field: `fields.label`; the votes ' +
          'are for the agreement alone.',
      ),
    undecided: z
      .union([
        z.enum(['quarantine', 'leave-out', 'first']),
        z.strictObject({ label: z.string().describe('The label.') }),
      ])
      .default('quarantine')
      .describe(
        'A row without a most common vote, or without a unanimous one: quarantine as `VOTES_UNDECIDED`; leave-out: ' +
          'leave it out as `where` does; first: the one of the most common votes that was ' +
          'given first; or a given label, such as that of a tie.',
      ),
    abstentions: z
      .array(value)
      .min(1)
      .optional()
      .describe(
        'Votes that take no side, such as `unsure` or 0. They count for no label; in the human ceiling they are wrong. ' +
          'Any other vote that is not a label quarantines its row.',
      ),
  })
  .describe('How the label of a row follows from its `fields.votes`.');
export const votesSchema = votes.optional();
export type VotesSpec = z.infer<typeof votes>;

/** Of a dataset with `fields.votes` and without `votes`. */
export const standardVotes = votes.parse({});
