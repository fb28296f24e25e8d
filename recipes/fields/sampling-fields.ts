/** How answers are sampled, and what ends them. All settings are off by default. */
import { z } from 'zod';

export const topKSchema = z
  .int()
  .min(1)
  .optional()
  .describe('Sample from the k most probable tokens, and those tied with the last of them.');
export const topPSchema = z
  .number()
  .gt(0)
  .max(1)
  .optional()
  .describe('Sample from the fewest most probable tokens whose probabilities add up to this, after `topK`.');
export const stopSequencesSchema = z
  .array(z.string().min(1))
  .min(1)
  .max(16)
  .optional()
  .describe(
    'Texts that end an answer; matched by their tokens, and kept in the answer. For rollouts, evaluation and judging.',
  );
