/** The reward of a judgment in training. By default (1 - a) accuracy + a format (arXiv 2603.11665). */
import { z } from 'zod';

const rate = z.number().min(0).max(1);

const graderSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe('POST {judgments: [...]} -> {scores: [...]}, one number in [0, 1] each; docs/judging.md.'),
  weight: rate.describe("Share of the grader's score in the accuracy part; the rest is the label's."),
  timeoutMs: z.int().min(1).max(300_000).default(10_000).describe('Timeout of one request.'),
  requestCountMax: z.int().min(1).max(64).default(8).describe('Requests in flight, of at most 64 judgments each.'),
});
export type GraderSpec = z.infer<typeof graderSchema>;

export const rewardSchema = z
  .strictObject({
    score: z
      .enum(['distance', 'exact'])
      .default('distance')
      .describe('Score tasks. distance: 1 - |verdict - label| / (highest - lowest label). exact: 1 or 0.'),
    consistencyWeight: rate
      .default(0)
      .describe(
        'Pairwise tasks: share of the accuracy part for agreement with the verdicts on the same pair in ' +
          'the other order. If above 0, every pair of a step is sampled in both orders.',
      ),
    overlong: z
      .strictObject({
        fromTokenCount: z.int().min(0).describe('Answers up to this length have no penalty.'),
        penalty: z.number().positive().max(1).describe('Penalty of an answer of maximal length.'),
      })
      .optional()
      .describe(
        "Length penalty: 0 up to `fromTokenCount` tokens, growing linearly to `penalty` at the arm's " +
          '`tokenCountMax`.',
      ),
    taskWeights: z
      .record(z.string(), z.number().min(0))
      .default({})
      .describe('Task -> factor on its advantages; default 1.'),
    grader: graderSchema.optional().describe('An external service that scores judgments.'),
  })
  .default({ score: 'distance', consistencyWeight: 0, taskWeights: {} });
export type RewardSpec = z.infer<typeof rewardSchema>;
