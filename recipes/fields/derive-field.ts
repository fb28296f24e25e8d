/** Row fields made of others, such as the category that an id begins with. */
import { z } from 'zod';

const derived = z
  .strictObject({
    from: z.string().min(1).describe('The row field. A row without it has no derived field either.'),
    before: z
      .string()
      .min(1)
      .optional()
      .describe('Only the part before this text, where it first stands; the whole value if it does not.'),
    startsWith: z
      .record(z.string(), z.string().min(1))
      .optional()
      .describe(
        "Start of the value -> the derived field's value. The longest start counts; `''` is every value. A value without a " +
          'start among these gives no field.',
      ),
  })
  .refine(({ before, startsWith }) => before === undefined || startsWith === undefined, 'before or startsWith');

export const deriveSchema = z
  .record(z.string().min(1), derived)
  .optional()
  .describe(
    'Name -> a row field made of another, used like those of the file: in `where`, `slices`, `accPlusBy`, `tiesScoreBy`, ' +
      '`fields`. Without `before` and `startsWith` it is a copy.',
  );
export type DeriveSpec = NonNullable<z.infer<typeof deriveSchema>>;
