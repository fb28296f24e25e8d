/** The reward of a judgment in training. By default (1 - a) accuracy + a format (arXiv 2603.11665). */
import { z } from 'zod';
import { rewardFieldsOfKinds } from '../../judge/kinds/table.ts';
import { rate } from './scalars.ts';

const graderSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe('POST {judgments: [...]} -> {scores: [...]}, one number in [0, 1] each; docs/judging.md.'),
  weight: rate.describe("Share of the grader's score in the accuracy part; the rest is the label's."),
  timeoutMs: z.int().min(1).max(300_000).default(10_000).describe('Timeout of one request.'),
  requestCountMax: z.int().min(1).max(64).default(8).describe('Requests in flight, of at most 64 judgments each.'),
});
export type GraderSpec = z.infer<typeof graderSchema>;

const rewardFields = z.strictObject({
  ...rewardFieldsOfKinds,
  consistencyWeight: rate
    .default(0)
    .describe(
      'Pairwise tasks: share of the accuracy part that is agreement with the verdicts on the same pair in ' +
        'the other order. Above 0 every pair of a step is sampled in both orders.',
    ),
  overlong: z
    .strictObject({
      fromTokenCount: z.int().min(0).describe('Answers up to here lose nothing.'),
      penalty: z.number().positive().max(1).describe('Of the longest answer.'),
    })
    .optional()
    .describe(
      "Taken off: nothing up to `fromTokenCount` tokens, growing evenly to `penalty` at the arm's " +
        '`tokenCountMax`.',
    ),
  sections: z
    .enum(['share', 'all'])
    .default('share')
    .describe(
      'Format of an answer to a task with `sections` whose verdict can be read, while some of its sections are wrong. ' +
        'share: the share of sections that are right. all: 0. Either way its accuracy is 0.',
    ),
  taskWeights: z
    .record(z.string(), z.number().min(0))
    .default({})
    .describe('Task -> factor on its advantages; 1 where left out.'),
  grader: graderSchema.optional().describe('A service of yours that scores judgments.'),
});
export const rewardSchema = rewardFields.default(rewardFields.parse({}));
export type RewardSpec = z.infer<typeof rewardSchema>;
