/** What every dataset of rows may say, whatever its file format: how labels, orders, rankings and splits come about. */
import { z } from 'zod';

const splitName = z.enum(['train', 'val', 'test']);
const share = z.number().min(0).max(1);

/** Splits made by seed: groups are never parted, and each label has about its share in each split. */
const madeSplit = z
  .strictObject({ train: share.default(0), val: share.default(0), test: share.default(0), seed: z.int().min(0) })
  .refine(({ train, val, test }) => Math.abs(train + val + test - 1) < 1e-9, 'shares that add up to 1');
export type MadeSplit = z.infer<typeof madeSplit>;

/** Given, or made by seed. */
export const splitSchema = z.union([splitName, madeSplit]);
export type SplitSpec = z.infer<typeof splitSchema>;

/** A row field that `labelMap` or `labelThresholds` turns into a label, or two fields of which one wins (pairwise). */
export const labelFieldSchema = z.union([
  z.string(),
  /** Scores: the picture with the greater one is better. */
  z.strictObject({ greaterOf: z.tuple([z.string(), z.string()]) }),
  /** Ranks: the picture with the lesser one is better. */
  z.strictObject({ lesserOf: z.tuple([z.string(), z.string()]) }),
]);
export type LabelField = z.infer<typeof labelFieldSchema>;

const threshold = z.strictObject({
  label: z.string(),
  /** Numbers from here on, this one included. */
  from: z.number().optional(),
  /** Numbers under this one. */
  below: z.number().optional(),
});

/** Fields of every dataset of rows. */
export const datasetOptions = {
  /** Row value (as text) -> label. `1`, `1.0` and `"1"` are one value, as are `true` and `"true"`. */
  labelMap: z.record(z.string(), z.string()).default({}),
  /** Numbers -> labels; a number that none of them holds is quarantined. The number itself is kept for correlations. */
  labelThresholds: z.array(threshold).min(1).optional(),
  /** Pairwise: which picture comes first is drawn by this seed, a coin a row, so that no position is right more often. */
  randomOrderSeed: z.int().min(0).optional(),
  /** Rows that rank several images become a row for each pair or for each image. */
  ranking: z
    .strictObject({
      /** Row field with a list of images. */
      images: z.string(),
      /** Row field with their ranks, 1 is best; equal ranks make no pair. */
      ranks: z.string(),
      /**
       * pairs: fields `image_0`, `image_1`, `rank_0`, `rank_1`. images: fields `image`, `rank` and `standing`, the share
       * of the other images that are ranked behind it (equal ranks count half).
       */
      to: z.enum(['pairs', 'images']),
    })
    .optional(),
};

export type DatasetOptions = z.infer<z.ZodObject<typeof datasetOptions>>;
export type RankingSpec = NonNullable<DatasetOptions['ranking']>;

/** What is the same for images and texts that two splits, or a trained and an unseen task, share. */
export const leaksSchema = z
  .strictObject({
    /**
     * report: listed only. drop: the training example of a leak is left out. move: it goes with its whole group to the
     * split that it leaks into.
     */
    action: z.enum(['report', 'drop', 'move']).default('report'),
    /** Images whose perceptual hashes (pHash, 64 bits) differ in at most so many bits are the same; without it only equal bytes are. */
    distanceMax: z.int().min(0).max(10).optional(),
    /** Row fields whose text must not be shared either, compared without case, punctuation and spacing. */
    textFields: z.array(z.string()).default([]),
  })
  .default({ action: 'report', textFields: [] });
export type LeaksSpec = z.infer<typeof leaksSchema>;
