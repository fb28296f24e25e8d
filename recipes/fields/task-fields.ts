/** Fields of a task: its kind, its possible verdicts, and the form of its answers. */
import { z } from 'zod';
import { fieldsOfKinds, kindNames, kindOf } from '../../judge/kinds/table.ts';
import { headlineSchema } from './headline-field.ts';
import { sectionsSchema } from './section-fields.ts';

/** All formats are parsed by the same strict rules (judge/tasks/read-verdict.ts). */
const verdictFormat = z
  .enum(['tagged', 'json', 'last-line'])
  .describe(
    'How an answer carries rationale and verdict. tagged (where left out): `<think> rationale </think> <answer> ' +
      'verdict </answer>`. json: one object and nothing else, `{"rationale": "...", "verdict": "..."}`. last-line: ' +
      'the rationale, then the verdict alone on the last line.',
  );
export type VerdictFormat = z.infer<typeof verdictFormat>;

const meanings = kindNames.map((kind) => `${kind}: ${kindOf({ kind }).meaning}`);
const labelsMeanings = kindNames.flatMap((kind) => {
  const { labelsMeaning } = kindOf({ kind });
  return labelsMeaning === undefined ? [] : [`${kind.charAt(0).toUpperCase()}${kind.slice(1)}: ${labelsMeaning}`];
});

export const taskSchema = z.strictObject({
  kind: z.enum(kindNames).describe(meanings.join(' ')),
  labels: z
    .tuple([z.string().min(1), z.string().min(1)], z.string().min(1))
    .describe(['What a verdict may be.', ...labelsMeanings].join(' ')),
  ...fieldsOfKinds,
  prompt: z
    .string()
    .min(1)
    .describe("Jinja over the example's fields and `mode_word`; `<image>` stands where each image goes."),
  system: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Text of the system message before the prompt. Where left out there is none, except one that the chat template ' +
        'of the checkpoint may write itself.',
    ),
  verdictFormat: verdictFormat.optional(),
  headline: headlineSchema.optional(),
  sections: sectionsSchema.optional(),
  slices: z
    .array(z.string().min(1))
    .min(1)
    .max(8)
    .optional()
    .describe('Row fields: every score is also given for the rows of each value, with the mean over the values.'),
  accPlusBy: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Row field whose equal values form a group of acc+, the share of groups with all judgments right. Default: ' +
        '`fields.group`, else the pictures of the row.',
    ),
  ood: z.boolean().default(false).describe('Never in a training mixture: the out-of-distribution test of the judge.'),
});

/** The parts of a task that its kind reads. */
export type KindedTask = Pick<z.infer<typeof taskSchema>, 'kind' | 'labels' | keyof typeof fieldsOfKinds>;
