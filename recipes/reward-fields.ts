/** What a judgment is worth in training. Everything left out, it is (1 - a) accuracy + a format (arXiv 2603.11665). */
import { z } from 'zod';

const rate = z.number().min(0).max(1);

const graderSchema = z.strictObject({
  /** POST {judgments: [...]} -> {scores: [...]}, a number in [0, 1] for each; docs/judging.md. */
  url: z.url({ protocol: /^https?$/ }),
  /** Share of the grader's score in the accuracy part; the label has the rest. */
  weight: rate,
  timeoutMs: z.int().min(1).max(20_000).default(10_000),
});
export type GraderSpec = z.infer<typeof graderSchema>;

export const rewardSchema = z
  .strictObject({
    /** Score tasks. distance: 1 - |verdict - label| / (greatest - least label). exact: 1 or 0. */
    score: z.enum(['distance', 'exact']).default('distance'),
    /**
     * Pairwise tasks: share of the accuracy part that is agreement with the verdicts on the same pair in the other order.
     * Above 0 every pair of a step is sampled in both orders.
     */
    consistencyWeight: rate.default(0),
    /** Taken off: nothing up to `fromTokenCount` tokens, growing evenly to `penalty` at the arm's `tokenCountMax`. */
    overlong: z.strictObject({ fromTokenCount: z.int().min(0), penalty: z.number().positive().max(1) }).optional(),
    /** Task -> factor on its advantages; 1 where left out. */
    taskWeights: z.record(z.string(), z.number().min(0)).default({}),
    grader: graderSchema.optional(),
  })
  .default({ score: 'distance', consistencyWeight: 0, taskWeights: {} });
export type RewardSpec = z.infer<typeof rewardSchema>;
