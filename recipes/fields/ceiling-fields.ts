/** What a run may take before it ends in order: with a snapshot, evaluated and reported as it is. */
import { z } from 'zod';
import { stepCount } from './scalars.ts';

export const ceilingsSchema = z
  .strictObject({
    stepCountMax: stepCount
      .optional()
      .describe('The run ends after this many steps; mixture and learning rates stay those of `stepCount`.'),
    wallMsMax: z
      .int()
      .min(1)
      .optional()
      .describe(
        "The run ends after the step that is finished this long after its start, by the store's clock, pauses included. " +
          'A resumed run starts anew.',
      ),
    byteLengthMax: z
      .int()
      .min(1)
      .optional()
      .describe(
        'The run ends after the step with which its rollouts, rewards, records and snapshots have this many bytes, ' +
          'counted in full although equal parts are stored once; the last snapshot comes on top.',
      ),
  })
  .describe(
    'Ceilings of every run of the arm, at which it ends in order (docs/operations.md): its policy is the last snapshot. ' +
      'With higher ones, the same steps are found in the store, and the run goes on. What answers of an endpoint may ' +
      'cost is `policy.cost.costMax`.',
  );
export type CeilingsSpec = z.infer<typeof ceilingsSchema>;
