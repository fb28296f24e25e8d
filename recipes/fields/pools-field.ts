/** The pools of compute workers that do the parts of an experiment. */
import { z } from 'zod';
import { name } from './scalars.ts';

const pool = name.optional();

export const poolsSchema = z.strictObject({
  rollouts: pool.describe('Samples the rollouts of a step.'),
  training: pool.describe('Imports policies, encodes every prompt once, and makes updates and snapshots.'),
  evaluation: pool.describe('Evaluates and validates policies.'),
});

/** A part without a pool is done by the common one. */
export type Pools = z.infer<typeof poolsSchema>;
