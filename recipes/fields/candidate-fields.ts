/** Where a row has its candidates: in columns, or in a list. */
import { z } from 'zod';
import { namePattern } from './scalars.ts';

const part = z.union([
  z.strictObject({ text: z.string().describe('Row field with text.') }),
  z.strictObject({ image: z.string().describe('Row field with one image.') }),
]);

const listed = z
  .strictObject({
    list: z.string().describe('Row field with a list, one element a candidate.'),
    text: z.string().optional().describe('Text inside an element, if elements are objects.'),
    image: z
      .string()
      .optional()
      .describe('The image inside an element, if elements are objects; shown before its text.'),
    of: z.enum(['text', 'image']).optional().describe('What an element is, if it is not an object; default: text.'),
  })
  .describe('Elements of a list; their number may differ by row.');

const matched = z
  .strictObject({
    columns: namePattern.describe(
      'Row fields whose names match, such as `response_*`, in the order of the numbers in place of `*`.',
    ),
    of: z.enum(['text', 'image']).optional().describe('What the fields hold; default: text.'),
  })
  .describe('Fields by a pattern. Fields that are absent or null are not candidates.');

export const candidatesSchema = z
  .union([z.array(z.union([z.string(), z.array(part).min(1)])).min(2), listed, matched])
  .describe(
    'What is compared, for kinds that compare: fields with text, or lists of parts, one for each candidate; or where a list of them is. ' +
      'Without it, each image is a candidate.',
  );
export type CandidatesSpec = z.infer<typeof candidatesSchema>;
