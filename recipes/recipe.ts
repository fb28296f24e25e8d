/**
 * The recipe: everything that decides a result, in one document. This schema is the only description of it; types,
 * defaults, allowed values and error messages come from here. Fields marked "not published" have no value in
 * arXiv 2603.11665; ours is the default.
 */
import { z } from 'zod';
import { freezeSchema, loraSchema } from './trainable-fields.ts';
import { datasetOptions, labelFieldSchema, leaksSchema, splitSchema } from './dataset-options.ts';
import { evaluationSchema } from './evaluation-fields.ts';
import { curriculumSchema, mixtureSchema, resamplingSchema } from './mixture-fields.ts';
import { rewardSchema } from './reward-fields.ts';
import { taskSchema } from './task-fields.ts';

const name = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and dashes');
const count = z.int().min(1);
const rate = z.number().min(0).max(1);
/** Paths are relative to the recipe file; `mtrl run` makes them absolute. */
const path = z.string().min(1);

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

/** What a dataset of rows says, whatever files they come in (docs/data.md). */
const rows = {
  task: name,
  split: splitSchema,
  /** A file, or several by a glob (`*`, `**`, `?`, `{a,b}`), read in the order of their names; local, or `s3://bucket/key`. */
  path,
  /** Where images lie that a row names by text. Not needed where the rows or the archive hold them. */
  imageFolder: path.optional(),
  /** Images whose longer side is greater are kept in this size, in pixels (JPEG at quality 95, others lossless). */
  imageEdgeMax: z.int().min(16).optional(),
  /** Row field names. */
  fields: z.strictObject({
    id: z.string().default('id'),
    images: z.array(z.string()).default(['image']),
    label: labelFieldSchema.default('label'),
    /** Row fields that the prompt template uses. */
    prompt: z.array(z.string()).default([]),
    /** Rows with the same value are never parted by a split and are resampled together. */
    group: z.string().optional(),
  }),
  ...datasetOptions,
  /** Jinja over the row (`row`) and `label`, giving the reason that supervised `think` training shows. */
  rationale: z.string().optional(),
};

const jsonl = z.strictObject({ reader: z.literal('jsonl'), ...rows });
/** An array of rows, or an object whose members are rows (`__key__` is the member's name). */
const json = z.strictObject({ reader: z.literal('json'), ...rows });
/** The first line names the columns. */
const csv = z.strictObject({
  reader: z.literal('csv'),
  ...rows,
  /** A tab for files named .tsv, else a comma. */
  delimiter: z.string().length(1).optional(),
  /** What a byte order mark does not say. */
  encoding: z.enum(['utf-8', 'utf-16le', 'utf-16be', 'windows-1252']).default('utf-8'),
});
const parquet = z.strictObject({ reader: z.literal('parquet'), ...rows });
/** WebDataset: files with the same name before the first dot are one row; the fields of its .json are the row's. */
const tar = z.strictObject({ reader: z.literal('tar'), ...rows });
const zip = z.strictObject({ reader: z.literal('zip'), ...rows });
/** A folder of images with one sub-folder a class: a row has `image` and `class`. */
const folder = z.strictObject({ reader: z.literal('folder'), ...rows });

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
  mixture: mixtureSchema,
};

const training = {
  stepCount: count,
  optimizer: optimizerSchema,
  /** Low-rank adapters on these linear modules learn, and nothing else; all weights when left out. */
  lora: loraSchema.optional(),
  /** Parts that keep their weights; with `lora`, parts that get no adapters. A tied head is the embeddings. */
  freeze: freezeSchema.optional(),
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
    reward: rewardSchema,
    curriculum: curriculumSchema.optional(),
    resampling: resamplingSchema.optional(),
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
  /** What must compute this recipe (docs/backends.md): a compute worker with other engines refuses. Whatever it has when left out. */
  engine: z
    .strictObject({
      backend: z.enum(['onnxruntime', 'tfjs']).default('onnxruntime'),
      executionProvider: z.enum(['cpu', 'webgpu', 'cuda', 'wasm', 'tfjs-node', 'tfjs-node-gpu']).optional(),
    })
    .optional(),
  /** The words that ask for each mode: they become `mode_word` in prompts. */
  modeWords: z.strictObject({ think: z.string(), direct: z.string() }).default({ think: 'think', direct: 'directly' }),
  tasks: z.record(name, taskSchema),
  /** Folder that relative dataset paths start from; without it they start from the recipe's folder. */
  dataFolder: path.optional(),
  datasets: z.array(z.discriminatedUnion('reader', [judgeWorld, jsonl, json, csv, parquet, tar, zip, folder])).min(1),
  /** Ingestion fails when more than this share of a dataset's rows cannot be used. */
  quarantineRateMax: rate.default(0.1),
  leaks: leaksSchema,
  arms: z.record(name, arm),
  evaluation: evaluationSchema,
});

export type Recipe = z.infer<typeof recipeSchema>;
export type RecipeInput = z.input<typeof recipeSchema>;
export type TaskSpec = z.infer<typeof taskSchema>;
export type DatasetSpec = Recipe['datasets'][number];
export type JudgeWorldSpec = z.infer<typeof judgeWorld>;
/** Rows in files. */
export type RowsSpec = Exclude<DatasetSpec, JudgeWorldSpec>;
export type Arm = z.infer<typeof arm>;
export type SftArm = Extract<Arm, { objective: 'sft' }>;
export type GrpoArm = Extract<Arm, { objective: 'grpo' }>;
export type OptimizerSpec = z.infer<typeof optimizerSchema>;
