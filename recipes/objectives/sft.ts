/** Objective sft: supervised fine-tuning on the answers that labels and reasons make. */
import { z } from 'zod';
import { armFields, trainingFields } from '../fields/arm-fields.ts';

const count = z.int().min(1);

export const sftArm = z
  .strictObject({
    objective: z.literal('sft'),
    ...armFields,
    ...trainingFields,
    exampleCountPerStep: count.default(64).describe('Examples in one update.'),
    directShare: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe(
        'Share of the examples that are trained in `direct` mode whatever `mode` says (which ones: by seed), ' +
          'so that one policy learns both ways to answer.',
      ),
    stepCountPerActivity: count.default(25).describe('Steps that one activity does: what a crash can cost at most.'),
  })
  .describe('Supervised: imitates the answers that labels and written reasons make.');

export type SftArm = z.infer<typeof sftArm>;
