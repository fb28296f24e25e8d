/** What an evaluation asks of every arm beyond its strict answers. All of it is off until a recipe asks (docs/evaluation.md). */
import { z } from 'zod';
import { topKSchema, topPSchema } from './sampling-fields.ts';

const name = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and dashes');
const count = z.int().min(1);

const mode = z
  .enum(['strict', 'forced-choice', 'think-prompt', 'direct-prompt'])
  .describe(
    "strict: greedy answers read strictly, always done. forced-choice: the label whose tokens are likeliest at the verdict's " +
      'place, and its probability. think-prompt: arms that answer directly are asked to reason first. direct-prompt: arms ' +
      'that reason first are asked for the bare verdict.',
  );

const probe = z
  .enum([
    'blank-image',
    'swapped-image',
    'missing-image',
    'label-order-swap',
    'caption-mismatch',
    'paraphrase',
    'longer-answer',
  ])
  .describe(
    'blank-image: every image is replaced by one grey picture of its size. swapped-image: every example is shown the ' +
      'images of another one. missing-image: the text alone. label-order-swap: the prompt names the labels in another ' +
      "order. caption-mismatch: every example's text is that of another one. paraphrase: the prompt in other words, as " +
      "`paraphrases` has them. longer-answer: one of an example's texts is made longer, as `longerAnswer` says.",
  );

export const evaluationSchema = z
  .strictObject({
    split: z.enum(['val', 'test']).default('test').describe('Its examples are asked.'),
    tasks: z.array(name).min(1).optional().describe('Tasks to evaluate every arm on; all when left out.'),
    tokenCountMax: count.default(40).describe('An answer is cut after so many tokens.'),
    bootstrapResampleCount: count.default(2000).describe('Resamples behind each confidence interval.'),
    seed: z.int().min(0).default(0).describe('Of resamples, samples and probes.'),
    promptCountPerBatch: count.default(64).describe('Prompts in one engine call.'),
    modes: z.array(mode).default(['strict']).describe('Ways to ask for and to read verdicts.'),
    probes: z
      .array(probe)
      .default([])
      .describe('What is done to examples to see whether verdicts rest on what they should.'),
    sampleCount: count
      .max(64)
      .default(1)
      .describe('Answers sampled to each example for pass@1, maj@k and self-consistency; 1 samples none.'),
    sampleTemperature: z.number().positive().default(1).describe('Of the samples.'),
    sampleTopK: topKSchema,
    sampleTopP: topPSchema,
    extraExampleCountMax: count
      .default(200)
      .describe('Examples of a task, chosen by seed, that samples, other prompts and probes are asked about.'),
    paraphrases: z
      .record(name, z.array(z.string().min(1)).min(1))
      .default({})
      .describe('Task -> templates that ask the same in other words.'),
    longerAnswer: z
      .record(
        name,
        z.strictObject({
          field: z.string().min(1).describe('Field of the example.'),
          filler: z.string().min(1).describe('Text that is added to it.'),
        }),
      )
      .default({})
      .describe('Task -> the field that is made longer, and by what.'),
    rationaleCues: z
      .record(name, z.record(z.string(), z.array(z.string().min(1)).min(1)))
      .default({})
      .describe(
        'Task -> label -> words by which a rationale stands for that label: for how often verdicts contradict ' +
          'their rationale.',
      ),
  })
  .prefault({});

export type EvaluationSpec = z.infer<typeof evaluationSchema>;
export type ProbeName = z.infer<typeof probe>;
