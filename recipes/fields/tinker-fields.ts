/** The server of the Tinker API that computes for a recipe (docs/tinker.md). */
import { z } from 'zod';
import { loraSchema } from './trainable-fields.ts';

const attentionAndMlp = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];

export const tinkerSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('Address of the server, before `/api/v1`.'),
  baseModel: z
    .string()
    .min(1)
    .describe(
      'Name of the base model on the server. `policy.checkpoint` has its config.json, tokenizer, templates and image processor; an address on the Hub must be that of this model.',
    ),
  reduction: z
    .enum(['sum', 'sequence-mean'])
    .default('sum')
    .describe('How the server sums a loss. sequence-mean: SkyRL with its JAX backend.'),
  lora: loraSchema
    .extend({
      alpha: z.literal(32).default(32).describe('The alpha of servers of the Tinker API.'),
      modules: loraSchema.shape.modules.unwrap().default(attentionAndMlp).describe('Whole families of modules.'),
    })
    .optional()
    .describe('Adapters of trained arms that have no `lora` of their own.'),
});
