/** The gate, approval and notifications of a promotion (docs/promotion.md). */
import { z } from 'zod';
import { gateMetricsOfKinds, kindsWhere } from '../../judge/kinds/table.ts';
import { armName, name, rate } from './scalars.ts';

/** Metrics of tasks of every kind. */
const commonGateMetrics = ['macroF1', 'accuracy'] as const;
const gateMetricMeanings = gateMetricsOfKinds.map((metric) => {
  return `${metric}: ${kindsWhere(({ gateMetrics }) => gateMetrics.includes(metric)).join(' and ')} tasks only.`;
});

export const promotionSchema = z.strictObject({
  name: name.describe('Name in the registry; its versions are numbered.'),
  arm: armName.describe('The arm whose policy is the candidate (with several seeds, the first).'),
  startFrom: z
    .enum(['promoted', 'recipe'])
    .default('promoted')
    .describe("Initial policy of a retraining: the promoted one, or the recipe's."),
  gate: z
    .strictObject({
      minimums: z
        .array(
          z.strictObject({
            task: name.describe('An evaluated task.'),
            metric: z
              .enum([...commonGateMetrics, ...gateMetricsOfKinds])
              .default('macroF1')
              .describe(gateMetricMeanings.join(' ')),
            atLeast: rate.describe('The lowest value that passes.'),
          }),
        )
        .default([])
        .describe('Required minimum values, for example for a format that was not trained.'),
      regressionMax: rate
        .default(0.02)
        .describe(
          "No task's macro-F1 may be lower than the promoted policy's by more than this, at the lower bound of " +
            'the 95 % interval of the difference.',
        ),
      unparsableRateMax: rate.default(0.05).describe('Highest share of unparsable answers in any task.'),
    })
    .prefault({})
    .describe('What a candidate must pass (docs/promotion.md).'),
  approval: z
    .strictObject({
      required: z.boolean().default(false).describe('Wait for approval by a person.'),
      timeoutMs: z
        .int()
        .min(1000)
        .default(86_400_000)
        .describe('Without a decision by then, the candidate is held back.'),
    })
    .prefault({})
    .describe('Whether a person must approve, and for how long to wait.'),
  notify: z
    .strictObject({
      webhooks: z
        .array(
          z.strictObject({
            url: z.url({ protocol: /^https?$/ }).describe('http or https.'),
            secretVariable: z
              .string()
              .optional()
              .describe('Environment variable of the worker with the secret; default: unsigned.'),
          }),
        )
        .default([])
        .describe('URLs that receive a POST with a JSON body, signed (HMAC-SHA256) with the secret.'),
      commands: z
        .array(z.array(z.string().min(1)).min(1))
        .default([])
        .describe('Programs with arguments, run by the control worker with the event as JSON on stdin.'),
    })
    .prefault({})
    .describe('Notifications.'),
});

export type PromotionSpec = z.infer<typeof promotionSchema>;

/** Approval settings of a recipe without a promotion section. */
export const standardApproval = promotionSchema.shape.approval.parse({});

/** The recipe's gate, or the default gate if the recipe has no promotion section. */
export function gateOf({ promotion }: { readonly promotion?: PromotionSpec | undefined }): PromotionSpec['gate'] {
  return promotion?.gate ?? promotionSchema.shape.gate.parse({});
}
