/** What every dataset of rows may say, whatever its file format: how labels, orders, rankings and splits come about. */
import { z } from 'zod';

const splitName = z.enum(['train', 'val', 'test']);
const share = z.number().min(0).max(1);

const madeSplit = z
  .strictObject({
    train: share.default(0).describe('Share of the rows.'),
    val: share.default(0).describe('Share of the rows.'),
    test: share.default(0).describe('Share of the rows; the three add up to 1.'),
    seed: z.int().min(0).describe('The same seed makes the same split.'),
  })
  .refine(({ train, val, test }) => Math.abs(train + val + test - 1) < 1e-9, 'shares that add up to 1')
  .describe('Made by seed: groups are never parted, and each label has about its share in each split.');
export type MadeSplit = z.infer<typeof madeSplit>;

export const splitSchema = z
  .union([splitName, madeSplit])
  .describe('The split of all rows, or shares by which they are split.');
export type SplitSpec = z.infer<typeof splitSchema>;

export const labelFieldSchema = z
  .union([
    z.string(),
    z
      .strictObject({ greaterOf: z.tuple([z.string(), z.string()]) })
      .describe('Scores: the picture with the greater one is better.'),
    z
      .strictObject({ lesserOf: z.tuple([z.string(), z.string()]) })
      .describe('Ranks: the picture with the lesser one is better.'),
  ])
  .describe(
    'A row field that `labelMap` or `labelThresholds` turns into a label, or two fields of which one wins ' +
      '(pairwise).',
  );
export type LabelField = z.infer<typeof labelFieldSchema>;

const threshold = z.strictObject({
  label: z.string().describe('What these numbers become.'),
  from: z.number().optional().describe('Numbers from here on, this one included.'),
  below: z.number().optional().describe('Numbers under this one.'),
});

/** Fields of every dataset of rows. */
export const datasetOptions = {
  labelMap: z
    .record(z.string(), z.string())
    .default({})
    .describe('Row value (as text) -> label. `1`, `1.0` and `"1"` are one value, as are `true` and `"true"`.'),
  labelThresholds: z
    .array(threshold)
    .min(1)
    .optional()
    .describe(
      'Numbers -> labels; a number that none of them holds is quarantined. The number itself is kept for ' +
        'correlations.',
    ),
  randomOrderSeed: z
    .int()
    .min(0)
    .optional()
    .describe(
      'Pairwise: which picture comes first is drawn by this seed, a coin a row, so that no position is ' +
        'right more often.',
    ),
  ranking: z
    .strictObject({
      images: z.string().describe('Row field with a list of images.'),
      ranks: z.string().describe('Row field with their ranks, 1 is best; equal ranks make no pair.'),
      to: z
        .enum(['pairs', 'images'])
        .describe(
          'pairs: fields `image_0`, `image_1`, `rank_0`, `rank_1`. images: fields `image`, `rank` and ' +
            '`standing`, the share of the other images that are ranked behind it (equal ranks count half).',
        ),
    })
    .optional()
    .describe('Rows that rank several images become a row for each pair or for each image.'),
};

export type DatasetOptions = z.infer<z.ZodObject<typeof datasetOptions>>;
export type RankingSpec = NonNullable<DatasetOptions['ranking']>;

/** What is the same for images and texts that two splits, or a trained and an unseen task, share. */
export const leaksSchema = z
  .strictObject({
    action: z
      .enum(['report', 'drop', 'move'])
      .default('report')
      .describe(
        'report: listed only. drop: the training example of a leak is left out. move: it goes with its whole ' +
          'group to the split that it leaks into.',
      ),
    distanceMax: z
      .int()
      .min(0)
      .max(10)
      .optional()
      .describe(
        'Images whose perceptual hashes (pHash, 64 bits) differ in at most so many bits are the same; without ' +
          'it only equal bytes are.',
      ),
    textFields: z
      .array(z.string())
      .default([])
      .describe('Row fields whose text must not be shared either, compared without case, punctuation and spacing.'),
  })
  .default({ action: 'report', textFields: [] });
export type LeaksSpec = z.infer<typeof leaksSchema>;
