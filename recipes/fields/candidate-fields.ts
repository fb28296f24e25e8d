/** Where a row has its candidates and its context: in columns, in lists, or in lists of texts and images. */
import { z } from 'zod';
import { namePattern } from './scalars.ts';

const part = z.union([
  z.strictObject({ text: z.string().describe('Row field with text.') }),
  z.strictObject({ image: z.string().describe('Row field with one image.') }),
  z.strictObject({
    frames: z
      .string()
      .describe('Row field that names a folder inside `imageFolder`; its images in the order of their names.'),
  }),
  z.strictObject({
    parts: z
      .string()
      .describe(
        'Row field with a list of texts and images in order, as chats hold them: `["image", "a.png"]`, ' +
          '`{"type": "text", "text": "..."}`, `{"image": "a.png"}`, or plain text.',
      ),
  }),
]);
export type PartSpec = z.infer<typeof part>;

const elementOf = z.enum(['text', 'image', 'parts']);

const listed = z
  .strictObject({
    list: z.string().describe('Row field with a list, one element a candidate.'),
    text: z.string().optional().describe('Text inside an element, if elements are objects.'),
    image: z
      .string()
      .optional()
      .describe('The image inside an element, if elements are objects; shown before its text.'),
    of: elementOf
      .optional()
      .describe('What an element is, if `text` and `image` name nothing inside it; default: text.'),
  })
  .describe('Elements of a list; their number may differ by row.');

const matched = z
  .strictObject({
    columns: namePattern.describe(
      'Row fields whose names match, such as `response_*`, in the order of the numbers in place of `*`.',
    ),
    of: elementOf.optional().describe('What the fields hold; default: text.'),
  })
  .describe('Fields by a pattern. Fields that are absent or null are not candidates.');

export const candidatesSchema = z
  .union([z.array(z.union([z.string(), z.array(part).min(1)])).min(2), listed, matched])
  .describe(
    'What is compared, for kinds that compare: fields with text, or lists of parts, one for each candidate; or where a list of them is. ' +
      'Without it, each image is a candidate.',
  );
export type CandidatesSpec = z.infer<typeof candidatesSchema>;

export const contextSchema = z
  .record(z.string().regex(/^[A-Za-z_]\w*$/, 'a name of letters, digits and _'), z.array(part).min(1))
  .describe(
    'Pieces of the context that hold texts and images in order: name -> parts. `{{ name }}` in the prompt prints them.',
  );
export type ContextSpec = z.infer<typeof contextSchema>;
