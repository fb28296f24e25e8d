/** What a task says of itself: its kind, what a verdict may be, and in which form an answer carries it. */
import { z } from 'zod';

/** How an answer carries rationale and verdict; all are read by the same strict rules (judge/tasks/read-verdict.ts). */
const verdictFormat = z.enum([
  /** `<think> rationale </think> <answer> verdict </answer>` */
  'tagged',
  /** One JSON object and nothing else: `{"rationale": "...", "verdict": "..."}`. */
  'json',
  /** The rationale, then the verdict alone on the last line. */
  'last-line',
]);
export type VerdictFormat = z.infer<typeof verdictFormat>;

export const taskSchema = z.strictObject({
  /**
   * pointwise: one thing to judge (no image, one or several), a verdict from the labels. pairwise: two images, which is
   * better; always evaluated in both orders. score: how much; the labels are numbers, least first.
   */
  kind: z.enum(['pointwise', 'pairwise', 'score']),
  /** What a verdict may be. Pairwise: the label of the first image, then that of the second. */
  labels: z.tuple([z.string().min(1), z.string().min(1)], z.string().min(1)),
  /** Scores only: any number from the first label to the last is a verdict; where classes are counted it is the nearest label. */
  real: z.boolean().optional(),
  /** Jinja over the example's fields and `mode_word`; `<image>` stands where each image goes. */
  prompt: z.string().min(1),
  /** tagged where left out. */
  verdictFormat: verdictFormat.optional(),
  /** Never in a training mixture: the out-of-distribution test of the judge. */
  ood: z.boolean().default(false),
});
