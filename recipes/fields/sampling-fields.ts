/** Fields that say from which tokens answers are drawn, and with what they end. Left out, they change nothing. */
import { z } from 'zod';

export const topKSchema = z
  .int()
  .min(1)
  .optional()
  .describe('Drawn from the k most probable tokens, and those as probable as the last of them.');
export const topPSchema = z
  .number()
  .gt(0)
  .max(1)
  .optional()
  .describe('Then from the fewest most probable tokens that hold this share of the probability.');
export const stopSequencesSchema = z
  .array(z.string().min(1))
  .min(1)
  .max(16)
  .optional()
  .describe(
    'Texts with which an answer also ends; each is told by its tokens, and stays in the answer. Of rollouts, evaluation and judging alike.',
  );
