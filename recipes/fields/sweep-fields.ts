/** Sweeps: fields of one arm varied, every combination as an arm of its own (recipes/expansion/sweeps.ts). */
import { z } from 'zod';
import { name } from './scalars.ts';

export const sweepSchema = z.strictObject({
  arm: name.describe('The arm that is varied; its other fields stay.'),
  vary: z
    .record(z.string().min(1), z.array(z.json()).min(1).max(100))
    .describe(
      'Path of a field in the arm, such as `optimizer.learningRate` -> the values that it takes. Every combination of ' +
        'values is an arm, named like `NAME/learning-rate-1e-4`.',
    ),
});

export type SweepSpec = z.infer<typeof sweepSchema>;

/** What a sweep has set in an arm. */
export const variedSchema = z
  .strictObject({
    sweep: name.describe('Name of the sweep.'),
    values: z.record(z.string(), z.json()).describe('Path in the arm -> value.'),
  })
  .describe('Written by `sweeps`: the report shows such arms as curves.');
