/**
 * The recipe: everything that decides a result, in one document. This schema is the only description of it; types,
 * defaults, allowed values and error messages come from here. Fields marked "not published" have no value in
 * arXiv 2603.11665; ours is the default.
 */
import { z } from 'zod';

const name = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and dashes');
const count = z.int().min(1);
const rate = z.number().min(0).max(1);
/** Paths are relative to the recipe file; `mtrl run` makes them absolute. */
const path = z.string().min(1);

const task = z.strictObject({
  /** pointwise: one example, one verdict. pairwise: two images, which is better; always evaluated in both orders. */
  kind: z.enum(['pointwise', 'pairwise']),
  /** What a verdict may be. Pairwise: the label of the first image, then that of the second. */
  labels: z.tuple([z.string().min(1), z.string().min(1)]),
  /** Jinja over the example's fields and `mode_word`; `<image>` stands where each image goes. */
  prompt: z.string().min(1),
  /** Never in a training mixture: the out-of-distribution test of the judge. */
  ood: z.boolean().default(false),
});

const judgeWorld = z.strictObject({
  reader: z.literal('judge-world'),
  tasks: z.array(name).min(1),
  split: z.enum(['train', 'val', 'test']),
  exampleCount: count.describe('per task'),
  seed: z.int().min(0),
  /** Who labels: the scene's truth, or an annotator who misreads it (PAPER.md, "noisy teacher"). */
  annotator: z
    .strictObject({
      /** Chance that a hard attribute (orange/purple, low float, mild defect, small flame) is misread. */
      hardErrorRate: rate.default(0),
      /** Chance that an easy attribute is misread. */
      easyErrorRate: rate.default(0),
      /** Chance that the final answer is the other one. */
      flipRate: rate.default(0),
    })
    .default({ hardErrorRate: 0, easyErrorRate: 0, flipRate: 0 }),
});

const jsonl = z.strictObject({
  reader: z.literal('jsonl'),
  task: name,
  split: z.enum(['train', 'val', 'test']),
  path,
  imageFolder: path,
  /** Row field names. */
  fields: z.strictObject({
    id: z.string().default('id'),
    images: z.array(z.string()).min(1).default(['image']),
    /** A field whose value `labelMap` maps to a label, or two fields of scores of which the greater wins (pairwise). */
    label: z.union([z.string(), z.strictObject({ greaterOf: z.tuple([z.string(), z.string()]) })]).default('label'),
    /** Row fields that the prompt template uses. */
    prompt: z.array(z.string()).default([]),
    /** Rows with the same value are never parted by a split and are resampled together. */
    group: z.string().optional(),
  }),
  /** Row value (as text) -> label. Without it the value must be a label. */
  labelMap: z.record(z.string(), z.string()).default({}),
  /** Jinja over the row (`row`) and `label`, giving the reason that supervised `think` training shows. */
  rationale: z.string().optional(),
});

export const optimizerSchema = z.strictObject({
  learningRate: z.number().positive(),
  /** constant, or down to `finalLearningRateRatio` of the peak by a line or a cosine. */
  schedule: z.enum(['constant', 'linear', 'cosine']).default('constant'),
  finalLearningRateRatio: rate.default(0.1),
  warmupStepCount: z.int().min(0).default(10),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.95),
  epsilon: z.number().positive().default(1e-8),
  weightDecay: z.number().min(0).default(0),
  gradientNormMax: z.number().positive().default(1),
});

const armCommon = {
  /** think: rationale, then verdict. direct: the verdict alone. */
  mode: z.enum(['think', 'direct']),
  /** Tasks to train on; all that are not `ood` when left out. */
  tasks: z.array(name).min(1).optional(),
  /** Start from that arm's final policy instead of the recipe's. */
  from: name.optional(),
};

const training = {
  stepCount: count,
  optimizer: optimizerSchema,
  snapshotEveryStepCount: count.default(25),
};

const arm = z.discriminatedUnion('objective', [
  z.strictObject({ objective: z.literal('none'), ...armCommon }),
  z.strictObject({
    objective: z.literal('sft'),
    ...armCommon,
    ...training,
    exampleCountPerStep: count.default(64),
    /** Share of the examples that are trained in `direct` mode whatever `mode` says (which ones: by seed), so that one policy learns both ways to answer. */
    directShare: rate.default(0),
    /** Steps that one activity does: what a crash can cost at most. */
    stepCountPerActivity: count.default(25),
  }),
  z.strictObject({
    objective: z.literal('grpo'),
    ...armCommon,
    ...training,
    promptCountPerStep: count.default(16),
    /** G; the paper: 20. */
    groupSize: z.int().min(2).default(8),
    rolloutShardCount: count.default(1),
    /** Not published. */
    temperature: z.number().positive().default(1),
    /** Not published. */
    tokenCountMax: count.default(32),
    /** Not published. */
    clipLow: z.number().positive().default(0.2),
    clipHigh: z.number().positive().default(0.2),
    /** Weight of the KL term to the arm's initial policy; 0 leaves it out. Not published. */
    klCoefficient: z.number().min(0).default(0),
    /** a in R = (1 - a) accuracy + a format. Not published. */
    formatWeight: rate.default(0.1),
    /** Rollout and trainer log-probs may differ by this much, natural log, before the run stops. */
    logProbToleranceMax: z.number().positive().default(1e-4),
  }),
]);

export const recipeSchema = z.strictObject({
  name,
  summary: z.string().optional(),
  /** One run of every trained arm for each seed. */
  seeds: z.array(z.int().min(0)).min(1).default([0]),
  policy: z.union([
    /** A folder in Hugging Face layout. */
    z.strictObject({ checkpoint: path }),
    /** Fresh weights for the config.json, tokenizer and templates of that folder. */
    z.strictObject({ config: path, initSeed: z.int().min(0).default(0) }),
  ]),
  /** The words that ask for each mode: they become `mode_word` in prompts. */
  modeWords: z.strictObject({ think: z.string(), direct: z.string() }).default({ think: 'think', direct: 'directly' }),
  tasks: z.record(name, task),
  /** Folder that relative dataset paths start from; without it they start from the recipe's folder. */
  dataFolder: path.optional(),
  datasets: z.array(z.discriminatedUnion('reader', [judgeWorld, jsonl])).min(1),
  /** Ingestion fails when more than this share of a dataset's rows cannot be used. */
  quarantineRateMax: rate.default(0.1),
  arms: z.record(name, arm),
  evaluation: z
    .strictObject({
      split: z.enum(['val', 'test']).default('test'),
      /** Tasks to evaluate every arm on; all when left out. */
      tasks: z.array(name).min(1).optional(),
      tokenCountMax: count.default(40),
      bootstrapResampleCount: count.default(2000),
      seed: z.int().min(0).default(0),
      /** Prompts in one engine call. */
      promptCountPerBatch: count.default(64),
    })
    .default({ split: 'test', tokenCountMax: 40, bootstrapResampleCount: 2000, seed: 0, promptCountPerBatch: 64 }),
});

export type Recipe = z.infer<typeof recipeSchema>;
export type RecipeInput = z.input<typeof recipeSchema>;
export type TaskSpec = z.infer<typeof task>;
export type DatasetSpec = Recipe['datasets'][number];
export type JudgeWorldSpec = z.infer<typeof judgeWorld>;
export type JsonlSpec = z.infer<typeof jsonl>;
export type Arm = z.infer<typeof arm>;
export type SftArm = Extract<Arm, { objective: 'sft' }>;
export type GrpoArm = Extract<Arm, { objective: 'grpo' }>;
export type OptimizerSpec = z.infer<typeof optimizerSchema>;
