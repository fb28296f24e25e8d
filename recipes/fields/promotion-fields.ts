/** When a trained arm may take a name, who says so, and who is told (docs/operations.md). */
import { z } from 'zod';
import { gateMetricsOfKinds, kindNames, kindOf } from '../../judge/kinds/table.ts';

export const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and dashes');
const rate = z.number().min(0).max(1);

/** Of tasks of every kind. */
export const commonGateMetrics = ['macroF1', 'accuracy', 'balancedAccuracy'] as const;
const gateMetricMeanings = kindNames.flatMap((kind) =>
  kindOf({ kind }).gateMetrics.map((metric) => `${metric}: ${kind} tasks only.`),
);

export const promotionSchema = z.strictObject({
  name: nameSchema.describe('In the registry; versions of it are counted.'),
  arm: nameSchema.describe('The arm whose policy is the candidate; of several seeds the first.'),
  startFrom: z
    .enum(['promoted', 'recipe'])
    .default('promoted')
    .describe("What a retraining starts from: the promoted policy, or the recipe's."),
  gate: z
    .strictObject({
      minimums: z
        .array(
          z.strictObject({
            task: nameSchema.describe('An evaluated task.'),
            metric: z
              .enum([...commonGateMetrics, ...gateMetricsOfKinds])
              .default('macroF1')
              .describe(gateMetricMeanings.join(' ')),
            atLeast: rate.describe('The lowest value that passes.'),
          }),
        )
        .default([])
        .describe('What must be reached; a floor for an unseen format is one of these.'),
      regressionMax: rate
        .default(0.02)
        .describe(
          "No task's macro-F1 may be lower than the promoted policy's by more than this, at the lower bound of " +
            'the 95 % interval of the difference.',
        ),
      unparsableRateMax: rate.default(0.05).describe("Share of a task's answers without a verdict."),
    })
    .prefault({})
    .describe('What a candidate must pass (docs/promotion.md).'),
  approval: z
    .strictObject({
      required: z.boolean().default(false).describe('A person must say yes.'),
      timeoutMs: z
        .int()
        .min(1000)
        .default(86_400_000)
        .describe('Without an answer by then the candidate is held back.'),
    })
    .prefault({})
    .describe('Whether and how long a person is waited for.'),
  notify: z
    .strictObject({
      webhooks: z
        .array(
          z.strictObject({
            url: z.url({ protocol: /^https?$/ }).describe('http or https.'),
            secretVariable: z
              .string()
              .optional()
              .describe('Environment variable of the worker that holds the secret; unsigned when left out.'),
          }),
        )
        .default([])
        .describe('POST of a JSON body, signed (HMAC-SHA256) with the secret.'),
      commands: z
        .array(z.array(z.string().min(1)).min(1))
        .default([])
        .describe('Programs with arguments, run by the control worker with the event as JSON on stdin.'),
    })
    .prefault({})
    .describe('Who is told.'),
});

export type PromotionSpec = z.infer<typeof promotionSchema>;

/** Of a recipe that does not speak of promotion. */
export const standardApproval = promotionSchema.shape.approval.parse({});

/** The recipe's gate, or the standard one of a recipe that does not speak of promotion. */
export function gateOf({ promotion }: { readonly promotion?: PromotionSpec | undefined }): PromotionSpec['gate'] {
  return promotion?.gate ?? promotionSchema.shape.gate.parse({});
}
