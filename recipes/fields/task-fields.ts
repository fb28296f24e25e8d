/** What a task says of itself: its kind, what a verdict may be, and in which form an answer carries it. */
import { z } from 'zod';

/** All are read by the same strict rules (judge/tasks/read-verdict.ts). */
const verdictFormat = z
  .enum(['tagged', 'json', 'last-line'])
  .describe(
    'How an answer carries rationale and verdict. tagged (where left out): `<think> rationale </think> <answer> ' +
      'verdict </answer>`. json: one object and nothing else, `{"rationale": "...", "verdict": "..."}`. last-line: ' +
      'the rationale, then the verdict alone on the last line.',
  );
export type VerdictFormat = z.infer<typeof verdictFormat>;

export const taskSchema = z.strictObject({
  kind: z
    .enum(['pointwise', 'pairwise', 'score'])
    .describe(
      'pointwise: one thing to judge (no image, one or several), a verdict from the labels. pairwise: two ' +
        'images, which is better; always evaluated in both orders. score: how much; the labels are numbers, ' +
        'least first.',
    ),
  labels: z
    .tuple([z.string().min(1), z.string().min(1)], z.string().min(1))
    .describe('What a verdict may be. Pairwise: the label of the first image, then that of the second.'),
  real: z
    .boolean()
    .optional()
    .describe(
      'Scores only: any number from the first label to the last is a verdict; where classes are counted it ' +
        'is the nearest label.',
    ),
  prompt: z
    .string()
    .min(1)
    .describe("Jinja over the example's fields and `mode_word`; `<image>` stands where each image goes."),
  verdictFormat: verdictFormat.optional(),
  ood: z.boolean().default(false).describe('Never in a training mixture: the out-of-distribution test of the judge.'),
});
