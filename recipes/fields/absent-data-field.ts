/** What becomes of evaluation data that is missing. */
import { z } from 'zod';
import { name, path } from './scalars.ts';

const absent = z.strictObject({
  task: name.describe('The task whose rows these are.'),
  path: path.describe('Its `path`.'),
  reason: z.string().describe('What is missing.'),
});
export type AbsentData = z.infer<typeof absent>;

export const absentDataSchema = z
  .union([z.literal('leave-out'), z.array(absent)])
  .optional()
  .describe(
    'leave-out: datasets that no arm trains on may be missing. If their files or folder of pictures are not there, or none ' +
      'of their first 200 rows has its pictures and fields, a run goes on without them and without tasks that have no other data; summary and ' +
      'report name them, and the recipe of the run lists them here. By default they are refused.',
  );
