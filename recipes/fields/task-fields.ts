/** Fields of a task: its kind, its possible verdicts, and the form of its answers. */
import { z } from 'zod';
import { decimalOf } from '../../judge/kinds/number-range.ts';
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

const declaredTask = z.strictObject({
  kind: z.enum(kindNames).describe(meanings.join(' ')),
  labels: z
    .tuple([z.string().min(1), z.string().min(1)], z.string().min(1))
    .optional()
    .describe(['What a verdict may be; needed unless there is a `range`.', ...labelsMeanings].join(' ')),
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

/** Labels of a task with a range are its ends, so that every task has labels. */
export const taskSchema = declaredTask.transform((task, context) => {
  const { labels, range } = task;
  const ends = range && ([decimalOf(range[0]), decimalOf(range[1])] as const);
  const takesRange = 'range' in kindOf(task).fields;
  const isOther = takesRange && ends !== undefined && labels !== undefined && labels.join() !== ends.join();
  if (labels === undefined && ends === undefined)
    context.addIssue({ code: 'custom', path: ['labels'], message: 'a list (the field is needed)' });
  if (isOther) context.addIssue({ code: 'custom', path: ['labels'], message: 'nothing, because the task has a range' });
  const own: TaskLabels = labels ?? [ends?.[0] ?? '', ends?.[1] ?? ''];
  return { ...task, labels: own };
});
type TaskLabels = [string, string, ...string[]];

/** The parts of a task that its kind reads. */
export type KindedTask = Pick<z.infer<typeof taskSchema>, 'kind' | 'labels' | keyof typeof fieldsOfKinds>;
