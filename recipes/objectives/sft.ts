/** Objective sft: supervised fine-tuning on answers made of labels and rationales. */
import { z } from 'zod';
import { armFields, trainingFields } from '../fields/arm-fields.ts';
import { sftGuardsSchema } from '../fields/guard-fields.ts';
import { count } from '../fields/scalars.ts';

export const sftArm = z
  .strictObject({
    objective: z.literal('sft'),
    ...armFields,
    ...trainingFields,
    exampleCountPerStep: count.default(64).describe('Examples per update.'),
    directShare: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe(
        'Share of the examples (chosen by seed) that are trained in `direct` mode regardless of `mode`, so that one policy ' +
          'learns both modes.',
      ),
    softLabels: z
      .literal(true)
      .optional()
      .describe(
        'Draws verdicts among the votes of the people who labelled the example, in their proportions: on average the loss ' +
          'is that of soft labels (Peterson et al., ICCV 2019). Abstentions are left out; an example without votes keeps ' +
          'its label, as do answers with a written reason, which belongs to one label.',
      ),
    stepCountPerActivity: count.default(25).describe('Steps per activity, and so the most work that a crash can lose.'),
    guards: sftGuardsSchema.optional(),
  })
  .describe('Supervised training on answers made of labels and written rationales.');

export type SftArm = z.infer<typeof sftArm>;
