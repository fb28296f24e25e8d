/** Fields of an arm: what all arms have, and what those that are trained add. Their objectives add the rest (recipes/objectives). */
import { z } from 'zod';
import { mixtureSchema } from './mixture-fields.ts';
import { freezeSchema, loraSchema } from './trainable-fields.ts';

const name = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and dashes');
const count = z.int().min(1);
const rate = z.number().min(0).max(1);

const optimizerSchema = z.strictObject({
  name: z
    .enum(['adamw', 'muon'])
    .default('adamw')
    .describe(
      'muon: Muon for matrices inside the model, AdamW for embeddings, heads, norms, biases and adapters; from fresh ' +
        'weights it wants several times the rate of AdamW.',
    ),
  learningRate: z.number().positive().describe('Its peak, after the warm-up.'),
  schedule: z
    .enum(['constant', 'linear', 'cosine'])
    .default('constant')
    .describe('constant, or down to `finalLearningRateRatio` of the peak by a line or a cosine.'),
  finalLearningRateRatio: rate
    .default(0.1)
    .describe('Of the peak, at the last step; unused where the schedule is constant.'),
  warmupStepCount: z.int().min(0).default(10).describe('Steps in which the rate grows evenly to its peak.'),
  decayFrom: z
    .enum(['peak', 'firstStep'])
    .default('peak')
    .describe(
      'peak: a decay begins where the warm-up ends. firstStep: it begins at the first step, so the rate stays below its ' +
        'peak where there is a warm-up.',
    ),
  beta1: z.number().min(0).lt(1).default(0.9).describe('AdamW: decay of the mean of gradients.'),
  beta2: z.number().min(0).lt(1).default(0.95).describe('AdamW: decay of the mean of their squares.'),
  epsilon: z.number().positive().default(1e-8).describe('AdamW: added to the root of the mean square.'),
  momentum: z.number().min(0).lt(1).default(0.95).describe('Muon: decay of the mean of gradients.'),
  weightDecay: z.number().min(0).default(0).describe('Decoupled; of matrices and embeddings, not of norms and biases.'),
  gradientNormMax: z.number().positive().default(1).describe("Ceiling of the gradient's global L2 norm."),
});

export type OptimizerSpec = z.infer<typeof optimizerSchema>;

export const armFields = {
  mode: z.enum(['think', 'direct']).describe('think: rationale, then verdict. direct: the verdict alone.'),
  tasks: z.array(name).min(1).optional().describe('Tasks to train on; all that are not `ood` when left out.'),
  from: name.optional().describe("Start from that arm's final policy instead of the recipe's."),
  mixture: mixtureSchema.describe('How its tasks share the examples.'),
};

export const trainingFields = {
  stepCount: count.describe('Optimizer updates in all.'),
  optimizer: optimizerSchema.describe('AdamW or Muon, and its learning rate.'),
  lora: loraSchema
    .optional()
    .describe('Low-rank adapters on these linear modules learn, and nothing else; all weights when left out.'),
  freeze: freezeSchema
    .optional()
    .describe('Parts that keep their weights; with `lora`, parts that get no adapters. A tied head is the embeddings.'),
  snapshotEveryStepCount: count
    .default(25)
    .describe(
      'Weights and optimizer state are kept after so many steps; what is lost with a machine is computed again from there.',
    ),
};
