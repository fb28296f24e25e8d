/** Fields of algorithms whose loss clips the ratio and may have a KL term (policy/losses/ppo.ts). */
import { z } from 'zod';

export const clipFields = {
  clipLow: z
    .number()
    .positive()
    .default(0.2)
    .describe('The ratio of new to old probability is clipped below 1 - clipLow. Not published.'),
  clipHigh: z.number().positive().default(0.2).describe('The ratio is clipped above 1 + clipHigh. Not published.'),
  klCoefficient: z
    .number()
    .min(0)
    .default(0)
    .describe("Weight of the KL term to the arm's initial policy; 0 leaves it out. Not published."),
};
