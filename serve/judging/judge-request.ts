/** The body of POST /v1/judge: one row, or a batch of them. */
import { z } from 'zod';
import { reserved } from '../../judge/datasets/rows/rows-to-judge.ts';
import type { Limits } from '../limits.ts';

const orderings = ['fixed', 'random', 'both'] as const;
export type Ordering = (typeof orderings)[number];

const fieldsSchema = z
  .record(z.string(), z.unknown())
  .refine((fields) => !reserved.some((name) => Object.hasOwn(fields, name)), {
    error: `must not contain ${reserved.join(', ')}: these are members beside \`fields\``,
  })
  .describe(
    "Values for the task's prompt template, by field name; lists and objects are read by paths such as `a.0.b`.",
  );

const rowFields = {
  id: z.string().min(1).max(200).optional().describe('Default: a new one.'),
  fields: fieldsSchema.default({}),
  images: z.array(z.string()).default([]).describe('Pictures of the prompt in order, as data URIs.'),
  candidates: z
    .array(z.unknown())
    .optional()
    .describe(
      'What is compared: texts, `{text, image}` objects with pictures as data URIs, or lists of these, or of the content parts of the chat API. Default: each picture is a candidate.',
    ),
};

const rowSchema = z.strictObject(rowFields);
export type JudgeRow = z.output<typeof rowSchema>;

export function judgeRequestSchema({ rowCountMax, sampleCountMax }: Pick<Limits, 'rowCountMax' | 'sampleCountMax'>) {
  const common = {
    model: z.string().optional().describe('The served model; default: the only one.'),
    task: z.string().describe('A task of the recipe.'),
    mode: z.enum(['think', 'direct']).optional().describe("think: reasons first. Default: the policy's."),
    ordering: z
      .enum(orderings)
      .optional()
      .describe(
        'fixed: the order of the row alone. random: one order, by seed and row. both: every order of the kind, and a tie if they disagree. Default: every order, and the most probable label if they disagree, as `mtrl judge` does.',
      ),
    votes: z
      .int()
      .min(1)
      .max(sampleCountMax)
      .optional()
      .describe(
        'Answers sampled in each order, of which the most frequent verdict counts. Default: 1, which is greedy.',
      ),
    constrained: z
      .boolean()
      .optional()
      .describe(
        'Guarantees a verdict for tasks with labels: the rationale is free, and where the answer cannot be read or the orders disagree, the most probable label after it is the verdict.',
      ),
    calibrated: z
      .boolean()
      .optional()
      .describe('Adds probabilities at the temperature of the calibration that the server was started with.'),
    temperature: z.number().positive().max(2).optional().describe('Of two votes or more; default 1.'),
    seed: z.int().min(0).optional().describe('Of `votes` and of random orders; default 0.'),
  };
  return z.union([
    z.strictObject({ ...common, rows: z.array(rowSchema).min(1).max(rowCountMax).describe('A batch.') }),
    z.strictObject({ ...common, ...rowFields }),
  ]);
}

export type JudgeRequest = z.output<ReturnType<typeof judgeRequestSchema>>;
