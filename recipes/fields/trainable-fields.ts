/** Which weights of an arm are trained. */
import { z } from 'zod';

export const loraSchema = z.strictObject({
  rank: z.int().min(1).describe('Rank of the adapters.'),
  alpha: z.number().positive().describe('Adapters are scaled by alpha / rank.'),
  modules: z
    .array(z.string().min(1))
    .min(1)
    .default(['q_proj', 'k_proj', 'v_proj', 'o_proj'])
    .describe("Names of linear modules or suffixes of them, as in PEFT's target_modules."),
});

export const freezeSchema = z.array(z.enum(['vision', 'connector', 'embeddings', 'decoder', 'head'])).min(1);
