/** Settings of the evaluation. Everything beyond strict answers is off by default (docs/evaluation.md). */
import { z } from 'zod';
import { topKSchema, topPSchema } from './sampling-fields.ts';
import { name, count } from './scalars.ts';

const mode = z
  .enum(['strict', 'first-label', 'few-shot', 'forced-choice', 'think-prompt', 'direct-prompt'])
  .describe(
    'strict: greedy answers, parsed strictly; always done. first-label: reads the same answers leniently, by the first label word in them. few-shot: shows training examples with their answers first. forced-choice: the most probable label at the position of the ' +
      'verdict, and its probability. think-prompt: asks arms that answer directly to reason first. direct-prompt: asks ' +
      'arms that reason first for the verdict alone.',
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
    'blank-image: replaces every image by a grey one of its size. swapped-image: shows every example the images of ' +
      'another one. missing-image: shows the text alone. label-order-swap: names the labels in another order. ' +
      'caption-mismatch: uses the text of another example. paraphrase: uses the templates of `paraphrases`. ' +
      "longer-answer: lengthens one of the example's texts, as set in `longerAnswer`.",
  );

export const evaluationSchema = z
  .strictObject({
    split: z.enum(['val', 'test']).default('test').describe('The split to evaluate on.'),
    tasks: z.array(name).min(1).optional().describe('Tasks to evaluate every arm on; default: all.'),
    exampleCountMax: count
      .optional()
      .describe('Examples per task, chosen by seed, groups whole; default: all. For many runs of a large model.'),
    tokenCountMax: count.default(40).describe('Answers are cut off after this many tokens.'),
    bootstrapResampleCount: count.max(1_000_000).default(2000).describe('Bootstrap resamples per confidence interval.'),
    seed: z.int().min(0).default(0).describe('Seed of chosen examples, resamples, samples and probes.'),
    promptCountPerBatch: count.default(64).describe('Prompts per engine call.'),
    modes: z.array(mode).default(['strict']).describe('Ways to ask for verdicts and to read them.'),
    shotCount: count.max(64).default(4).describe('few-shot: training examples of the task that are shown, by seed.'),
    probes: z.array(probe).default([]).describe('Changes to the examples that test what verdicts depend on.'),
    sampleCount: count
      .max(64)
      .default(1)
      .describe('Answers sampled per example for pass@1, maj@k and self-consistency; 1 turns sampling off.'),
    sampleTemperature: z.number().positive().default(1).describe('Temperature of the samples.'),
    sampleTopK: topKSchema,
    sampleTopP: topPSchema,
    extraExampleCountMax: count
      .default(200)
      .describe('Examples per task, chosen by seed, for samples, other prompts and probes.'),
    paraphrases: z
      .record(name, z.array(z.string().min(1)).min(1))
      .default({})
      .describe('Task -> templates that ask the same in other words.'),
    longerAnswer: z
      .record(
        name,
        z.strictObject({
          field: z.string().min(1).describe('Field of the example.'),
          filler: z.string().min(1).describe('Text to add to it.'),
        }),
      )
      .default({})
      .describe('Task -> the field to lengthen, and the text to add.'),
    rationaleCues: z
      .record(name, z.record(z.string(), z.array(z.string().min(1)).min(1)))
      .default({})
      .describe(
        'Task -> label -> words in a rationale that support that label, to measure how often verdicts contradict ' +
          'their rationale.',
      ),
  })
  .prefault({});

export type EvaluationSpec = z.infer<typeof evaluationSchema>;
export type ProbeName = z.infer<typeof probe>;
