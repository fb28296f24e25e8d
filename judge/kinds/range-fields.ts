/** The range of verdicts that are any number, and how near to the label a right one is. */
import { z } from 'zod';

export const rangeSchema = z
  .tuple([z.number(), z.number()])
  .refine(([least, greatest]) => least < greatest, 'two numbers, the lower first');
export const toleranceSchema = z.number().min(0).optional();

/** Fields of tasks whose kind may have a range. */
export const rangeFields = {
  range: rangeSchema
    .optional()
    .describe(
      'Scores and criteria, in place of `labels`: the least and greatest number. Any number between them is a verdict, and ' +
        'a label of a row. There are no classes: no Macro-F1, no kappa, no forced choice, no votes.',
    ),
  tolerance: toleranceSchema.describe('With `range`: a verdict at most this far from the label is right. Default: 0.'),
};
