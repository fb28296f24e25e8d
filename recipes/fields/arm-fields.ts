/** Fields of all arms, and fields of all trained arms. Each objective adds its own (recipes/objectives). */
import { z } from 'zod';
import { mixtureSchema } from './mixture-fields.ts';
import { augmentationSchema } from './augmentation-fields.ts';
import { ceilingsSchema } from './ceiling-fields.ts';
import { freezeSchema, loraSchema } from './trainable-fields.ts';
import { armName, name, rate, stepCount } from './scalars.ts';
import { variedSchema } from './sweep-fields.ts';
import { validationSchema } from './validation-fields.ts';

const optimizerSchema = z.strictObject({
  name: z
    .enum(['adamw', 'muon'])
    .default('adamw')
    .describe(
      'muon: Muon for the matrices inside the model, AdamW for embeddings, heads, norms, biases and adapters; from ' +
        'random weights it needs several times the learning rate of AdamW.',
    ),
  learningRate: z.number().positive().describe('Peak learning rate, reached after warm-up.'),
  schedule: z
    .enum(['constant', 'linear', 'cosine'])
    .default('constant')
    .describe('constant, or linear or cosine decay to `finalLearningRateRatio` of the peak.'),
  finalLearningRateRatio: rate
    .default(0.1)
    .describe('Learning rate at the last step as a fraction of the peak; ignored by the constant schedule.'),
  warmupStepCount: z.int().min(0).max(1_000_000).default(10).describe('Steps of linear warm-up to the peak.'),
  decayFrom: z
    .enum(['peak', 'firstStep'])
    .default('peak')
    .describe(
      'peak: decay starts when warm-up ends. firstStep: decay starts at the first step, so with warm-up the rate never ' +
        'reaches its peak.',
    ),
  beta1: z.number().min(0).lt(1).default(0.9).describe('AdamW: decay of the first moment.'),
  beta2: z.number().min(0).lt(1).default(0.95).describe('AdamW: decay of the second moment.'),
  epsilon: z.number().positive().default(1e-8).describe('AdamW: added to the denominator.'),
  momentum: z.number().min(0).lt(1).default(0.95).describe('Muon: momentum of the gradients.'),
  weightDecay: z
    .number()
    .min(0)
    .default(0)
    .describe('Decoupled weight decay, applied to matrices and embeddings but not to norms and biases.'),
  gradientNormMax: z.number().positive().default(1).describe('Gradients are clipped to this global L2 norm.'),
});

export type OptimizerSpec = z.infer<typeof optimizerSchema>;

export const armFields = {
  mode: z.enum(['think', 'direct']).describe('think: rationale, then verdict. direct: verdict only.'),
  tasks: z.array(name).min(1).optional().describe('Tasks to train on; default: all tasks that are not `ood`.'),
  like: name
    .optional()
    .describe(
      'This arm is that one but for the fields given here: fields are merged at every level, and null leaves one out.',
    ),
  single: z
    .boolean()
    .optional()
    .describe(
      'A specialist of each task instead of one judge: an arm `NAME/TASK` for every trained task, evaluated on that task ' +
        'and on all `ood` tasks, and shown as one arm (docs/comparing.md).',
    ),
  specialistOf: armName.optional().describe('Written by `single`: the arm that this one is shown as a part of.'),
  varied: variedSchema.optional(),
  from: armName.optional().describe("Start from the final policy of this arm instead of the recipe's policy."),
  mixture: mixtureSchema.describe('How examples are distributed over tasks.'),
};

export const trainingFields = {
  stepCount: stepCount.describe('Total number of optimizer updates.'),
  optimizer: optimizerSchema.describe('Optimizer and learning rate.'),
  lora: loraSchema
    .optional()
    .describe('Train only low-rank adapters on these linear modules; default: train all weights.'),
  freeze: freezeSchema
    .optional()
    .describe('Parts whose weights stay fixed; with `lora`, parts without adapters. A tied head counts as embeddings.'),
  augmentation: z
    .record(name, augmentationSchema)
    .optional()
    .describe(
      'Task -> random changes of its pictures in training, by the seed of the run. Set only changes that leave the labels of the task true.',
    ),
  snapshotEveryStepCount: stepCount
    .default(25)
    .describe(
      'Steps between snapshots of weights and optimizer state; after the loss of a machine, training resumes from the last snapshot.',
    ),
  averagedSnapshotCount: z
    .int()
    .min(2)
    .max(64)
    .optional()
    .describe("The run's policy is the mean of the weights of its last snapshots, this many; default: the last one."),
  validation: validationSchema.optional(),
  ceilings: ceilingsSchema.optional(),
};
