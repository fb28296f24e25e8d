/** Conditions on the fields of a row, or of an object in it. */
import { z } from 'zod';

const values = z.array(z.union([z.string(), z.number(), z.boolean()])).min(1);

const conditionSchema = z.union([
  values.describe('The field has one of these values.'),
  z.strictObject({ not: values }).describe('The field has none of these values, or the row has no such field.'),
  z
    .strictObject({ from: z.number().optional(), below: z.number().optional() })
    .refine(({ from, below }) => from !== undefined || below !== undefined, 'from, below or both')
    .describe('The field is a number of at least `from` and less than `below`.'),
  z.strictObject({ present: z.boolean() }).describe('The row has the field, and it is not null; or it has none.'),
]);
export type Condition = z.infer<typeof conditionSchema>;

/** Field -> condition. */
export const whereSchema = z.record(z.string(), conditionSchema);
