/** What an evaluation asks of every arm beyond its strict answers. All of it is off until a recipe asks (docs/evaluation.md). */
import { z } from 'zod';

const name = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and dashes');
const count = z.int().min(1);

const mode = z.enum([
  /** Greedy answers read strictly: always done. */
  'strict',
  /** The label whose tokens are likeliest at the verdict's place, and its probability. */
  'forced-choice',
  /** Arms that answer directly are asked to reason first. */
  'think-prompt',
  /** Arms that reason first are asked for the bare verdict. */
  'direct-prompt',
]);

const probe = z.enum([
  /** Every image is replaced by one grey picture of its size. */
  'blank-image',
  /** Every example is shown the images of another one. */
  'swapped-image',
  /** The text alone. */
  'missing-image',
  /** The prompt names the labels in another order. */
  'label-order-swap',
  /** Every example's text is that of another one. */
  'caption-mismatch',
  /** The prompt in other words, as `paraphrases` has them. */
  'paraphrase',
  /** One of an example's texts is made longer, as `longerAnswer` says. */
  'longer-answer',
]);

export const evaluationSchema = z
  .strictObject({
    split: z.enum(['val', 'test']).default('test'),
    /** Tasks to evaluate every arm on; all when left out. */
    tasks: z.array(name).min(1).optional(),
    tokenCountMax: count.default(40),
    bootstrapResampleCount: count.default(2000),
    seed: z.int().min(0).default(0),
    /** Prompts in one engine call. */
    promptCountPerBatch: count.default(64),
    modes: z.array(mode).default(['strict']),
    probes: z.array(probe).default([]),
    /** Answers sampled to each example for pass@1, maj@k and self-consistency; 1 samples none. */
    sampleCount: count.max(64).default(1),
    sampleTemperature: z.number().positive().default(1),
    /** Examples of a task, chosen by seed, that samples, other prompts and probes are asked about. */
    extraExampleCountMax: count.default(200),
    /** Task -> templates that ask the same in other words. */
    paraphrases: z.record(name, z.array(z.string().min(1)).min(1)).default({}),
    /** Task -> the field that is made longer, and by what. */
    longerAnswer: z.record(name, z.strictObject({ field: z.string().min(1), filler: z.string().min(1) })).default({}),
    /** Task -> label -> words by which a rationale stands for that label: for how often verdicts contradict their rationale. */
    rationaleCues: z.record(name, z.record(z.string(), z.array(z.string().min(1)).min(1))).default({}),
  })
  .prefault({});

export type EvaluationSpec = z.infer<typeof evaluationSchema>;
export type ProbeName = z.infer<typeof probe>;
