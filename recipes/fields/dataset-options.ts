/** Fields of every dataset of rows, independent of its file format: labels, orders, rankings and splits. */
import { z } from 'zod';
import { deriveSchema } from './derive-field.ts';
import { votesSchema } from './vote-fields.ts';
import { whereSchema } from './where-field.ts';

const splitName = z.enum(['train', 'val', 'test']);
const share = z.number().min(0).max(1);

const madeSplit = z
  .strictObject({
    train: share.default(0).describe('Share of the rows.'),
    val: share.default(0).describe('Share of the rows.'),
    test: share.default(0).describe('Share of the rows; the three must add up to 1.'),
    seed: z.int().min(0).describe('The same seed gives the same split.'),
  })
  .refine(({ train, val, test }) => Math.abs(train + val + test - 1) < 1e-9, 'shares that add up to 1')
  .describe('Random split by seed: groups stay together, and each label has about its share in each split.');
export type MadeSplit = z.infer<typeof madeSplit>;

export const splitSchema = z
  .union([splitName, madeSplit])
  .describe('The split of all rows, or shares for a random split.');
export type SplitSpec = z.infer<typeof splitSchema>;

/** One field for each candidate, or one with a list of numbers. */
const scoreFields = z.union([z.tuple([z.string(), z.string()], z.string()), z.string()]);

export const labelFieldSchema = z
  .union([
    z.string(),
    z
      .strictObject({ greaterOf: scoreFields })
      .describe('Score fields, one for each candidate, or one with a list of scores: the highest wins.'),
    z
      .strictObject({ lesserOf: scoreFields })
      .describe('Rank fields, one for each candidate, or one with a list of ranks: the lowest wins.'),
    z
      .strictObject({ criteria: z.record(z.string(), z.string()) })
      .describe(
        'Criteria tasks: criterion -> row field with its label, which `labelMap` and `labelThresholds` apply to.',
      ),
    z
      .strictObject({ always: z.string() })
      .describe('The same label for every row: in many sets the better candidate is in the same column.'),
  ])
  .describe(
    'Row field that `labelMap` or `labelThresholds` turns into a label, or fields to compare, for kinds that compare.',
  );
export type LabelField = z.infer<typeof labelFieldSchema>;
export type CriteriaFields = Extract<LabelField, { criteria: unknown }>;
/** Numbers of the candidates. */
export type NumberFields = Extract<LabelField, { greaterOf: unknown } | { lesserOf: unknown }>;

const threshold = z.strictObject({
  label: z.string().describe('The label of these numbers.'),
  from: z.number().optional().describe('Lower bound, inclusive.'),
  below: z.number().optional().describe('Upper bound, exclusive.'),
});

export const datasetOptions = {
  labelMap: z
    .record(z.string(), z.string().nullable())
    .default({})
    .describe(
      'Row value (as text) -> label, or null to leave the row out as `where` does. `1`, `1.0` and `"1"` are the same ' +
        'value, as are `true`, `"true"` and `"TRUE"`.',
    ),
  labelThresholds: z
    .array(threshold)
    .min(1)
    .optional()
    .describe(
      'Numbers -> labels; a number outside all of them is quarantined. The number itself is kept for ' +
        'correlations.',
    ),
  derive: deriveSchema,
  where: whereSchema
    .optional()
    .describe(
      'Row field -> condition. Rows that do not meet all of them are left out: answers that a labeller skipped, ' +
        'cancelled or rejected. They are counted, and are neither in the quarantine table nor counted by ' +
        '`quarantineRateMax`.',
    ),
  imageMark: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Text in the prompt's fields that stands where an image goes, such as `<image>` in conversations of LLaVA; `{n}` " +
        "in it is the image's number, from 1. Without this field it is text like any other.",
    ),
  votes: votesSchema,
  randomOrderSeed: z
    .int()
    .min(0)
    .optional()
    .describe(
      'Kinds that compare: randomizes by this seed the order of the candidates of a row, so that no position is ' +
        'right more often.',
    ),
  ranking: z
    .strictObject({
      images: z.string().describe('Row field with a list of images.'),
      ranks: z.string().describe('Row field with their ranks, 1 is best; equal ranks form no pair.'),
      to: z
        .enum(['pairs', 'images'])
        .describe(
          'pairs: fields `image_0`, `image_1`, `rank_0`, `rank_1`. images: fields `image`, `rank` and ' +
            '`standing`, the share of the other images that rank below it (equal ranks count half).',
        ),
    })
    .optional()
    .describe('Expands rows that rank several images to one row per pair or per image.'),
  each: z
    .strictObject({
      list: z.string().min(1).describe('Row field with a list.'),
      as: z.string().min(1).describe('Field that holds the element.'),
    })
    .optional()
    .describe('Expands a row to one row for each element of a list, with `-LIST-<i>` appended to its id.'),
};

export type DatasetOptions = z.infer<z.ZodObject<typeof datasetOptions>>;
export type RankingSpec = NonNullable<DatasetOptions['ranking']>;

/** When splits, or a trained and an unseen task, count as sharing an image or a text, and what is done about it. */
export const leaksSchema = z
  .strictObject({
    action: z
      .enum(['report', 'drop', 'move'])
      .default('report')
      .describe(
        'report: list leaks only. drop: remove the training example. move: move it with its whole group to the ' +
          'split that it leaks into.',
      ),
    distanceMax: z
      .int()
      .min(0)
      .max(10)
      .optional()
      .describe(
        'Images whose perceptual hashes (pHash, 64 bits) differ in at most this many bits count as the same; by ' +
          'default only byte-identical images do.',
      ),
    textFields: z
      .array(z.string())
      .default([])
      .describe('Row fields whose text must not be shared either; case, punctuation and spacing are ignored.'),
    candidateTexts: z
      .boolean()
      .default(true)
      .describe('Whether texts of candidates must not be shared either; false where answers are few words.'),
  })
  .default({ action: 'report', textFields: [], candidateTexts: true });
export type LeaksSpec = z.infer<typeof leaksSchema>;
