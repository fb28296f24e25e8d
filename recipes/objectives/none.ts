/** Objective none: the arm is evaluated without training. */
import { z } from 'zod';
import { armFields } from '../fields/arm-fields.ts';

export const noneArm = z
  .strictObject({ objective: z.literal('none'), ...armFields })
  .describe('Evaluated, not trained.');
