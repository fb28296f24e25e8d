/** Fields of an arm that say which weights learn. */
import { z } from 'zod';

export const loraSchema = z.strictObject({
  rank: z.int().min(1).describe('Width between the two matrices of an adapter.'),
  alpha: z.number().positive().describe("The adapters' product is added alpha / rank times."),
  modules: z
    .array(z.string().min(1))
    .min(1)
    .default(['q_proj', 'k_proj', 'v_proj', 'o_proj'])
    .describe("Names of linear modules or their ends, as PEFT's target_modules."),
});

export const freezeSchema = z.array(z.enum(['vision', 'connector', 'embeddings', 'decoder', 'head'])).min(1);
