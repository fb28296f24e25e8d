/** Validation while an arm trains: it selects the checkpoint, and may end the run. */
import { z } from 'zod';
import { count, stepCount } from './scalars.ts';

export const validationSchema = z
  .strictObject({
    everyStepCount: stepCount.describe('Steps between validations; the last step is always validated.'),
    split: z.enum(['val']).default('val').describe('The split to validate on. `evaluation.split` must be another.'),
    exampleCountMax: count.optional().describe('Examples per task, chosen by `evaluation.seed`; default: all.'),
    metric: z
      .enum(['macroF1', 'accuracy'])
      .default('macroF1')
      .describe(
        'The score: the mean of this metric over the trained tasks, from strict greedy answers. Of tasks whose verdicts ' +
          'are no classes, such as ranges, it is the accuracy.',
      ),
    patience: count
      .optional()
      .describe('The run ends after this many validations in a row without improvement; default: it never ends early.'),
    improvementMin: z
      .number()
      .min(0)
      .default(0)
      .describe('A score is an improvement if it exceeds that of the last improvement by more than this.'),
  })
  .describe(
    "The run's policy is the snapshot with the highest validation score, the first of several; default: the last one. " +
      'Only it is evaluated. A snapshot is made at each validation.',
  );
export type ValidationSpec = z.infer<typeof validationSchema>;
export type ValidationMetric = ValidationSpec['metric'];
