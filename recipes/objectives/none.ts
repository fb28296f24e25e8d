/** Objective none: the arm is evaluated without training. */
import { z } from 'zod';
import { armFields } from '../fields/arm-fields.ts';
import { endpointSchema } from '../fields/endpoint-fields.ts';

export const noneArm = z
  .strictObject({ objective: z.literal('none'), ...armFields, policy: endpointSchema.optional() })
  .describe('Evaluated, not trained.');
