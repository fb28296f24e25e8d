/**
 * The recipe: everything that decides a result, in one document. This schema is the only description of it; types,
 * defaults, allowed values and error messages come from here. Fields marked "not published" have no value in
 * arXiv 2603.11665; ours is the default.
 */
import { z } from 'zod';
import { freezeSchema, loraSchema } from './fields/trainable-fields.ts';
import { datasetOptions, labelFieldSchema, leaksSchema, splitSchema } from './fields/dataset-options.ts';
import { evaluationSchema } from './fields/evaluation-fields.ts';
import { curriculumSchema, mixtureSchema, resamplingSchema } from './fields/mixture-fields.ts';
import { promotionSchema } from './fields/promotion-fields.ts';
import { rewardSchema } from './fields/reward-fields.ts';
import { stopSequencesSchema, topKSchema, topPSchema } from './fields/sampling-fields.ts';
import { taskSchema } from './fields/task-fields.ts';

const name = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and dashes');
const count = z.int().min(1);
const rate = z.number().min(0).max(1);
/** Paths are relative to the recipe file; `mtrl run` makes them absolute. */
const path = z.string().min(1);

const judgeWorld = z.strictObject({
  reader: z.literal('judge-world'),
  tasks: z.array(name).min(1).describe('Tasks to generate examples for; they must be defined in `tasks`.'),
  split: z.enum(['train', 'val', 'test']).describe('The split of its examples.'),
  exampleCount: count.describe('Per task.'),
  seed: z.int().min(0).describe('The same seed generates the same pictures.'),
  annotator: z
    .strictObject({
      hardErrorRate: rate
        .default(0)
        .describe('Probability that a hard attribute (orange/purple, low float, mild defect, small flame) is misread.'),
      easyErrorRate: rate.default(0).describe('Probability that an easy attribute is misread.'),
      flipRate: rate.default(0).describe('Probability that the final answer is flipped.'),
    })
    .default({ hardErrorRate: 0, easyErrorRate: 0, flipRate: 0 })
    .describe('An annotator who misreads the scene; by default labels are the truth.'),
});

/** Fields of every dataset of rows, whatever its file format (docs/data.md). */
const rows = {
  task: name.describe('The task of its rows.'),
  split: splitSchema,
  path: path.describe(
    'A file, or several by a glob pattern (`*`, `**`, `?`, `{a,b}`), read in the order of their names; local, or ' +
      '`s3://bucket/key`.',
  ),
  imageFolder: path
    .optional()
    .describe('Folder of the images that rows name by path. Not needed if the rows or the archive contain them.'),
  imageEdgeMax: z
    .int()
    .min(16)
    .optional()
    .describe(
      'Images with a longer side above this many pixels are scaled down to it (JPEG stays JPEG at quality 95, others ' +
        'become PNG).',
    ),
  fields: z
    .strictObject({
      id: z.string().default('id').describe('Identifies the row; later rows with the same id are quarantined.'),
      images: z
        .array(z.string())
        .default(['image'])
        .describe('One field per image, in the order of the prompt; empty for a text-only task.'),
      label: labelFieldSchema.default('label'),
      prompt: z.array(z.string()).default([]).describe('Row fields used by the prompt template.'),
      group: z
        .string()
        .optional()
        .describe('Rows with the same value stay in the same split and are resampled together.'),
    })
    .describe('Names of row fields.'),
  ...datasetOptions,
  rationale: z
    .string()
    .optional()
    .describe('Jinja template over `row` and `label` for the rationale that supervised `think` training teaches.'),
};

const jsonl = z.strictObject({ reader: z.literal('jsonl'), ...rows });
const json = z
  .strictObject({ reader: z.literal('json'), ...rows })
  .describe("An array of rows, or an object whose members are rows (`__key__` is the member's name).");
const csv = z
  .strictObject({
    reader: z.literal('csv'),
    ...rows,
    delimiter: z.string().length(1).optional().describe('Default: a tab for .tsv files, else a comma.'),
    encoding: z
      .enum(['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'])
      .default('utf-8')
      .describe('Encoding of files without a byte order mark.'),
  })
  .describe('The first line has the column names.');
const parquet = z.strictObject({ reader: z.literal('parquet'), ...rows });
const tar = z
  .strictObject({ reader: z.literal('tar'), ...rows })
  .describe(
    'WebDataset: files with the same name before the first dot form one row; the fields of its .json file are ' +
      "the row's fields.",
  );
const zip = z.strictObject({ reader: z.literal('zip'), ...rows });
const folder = z
  .strictObject({ reader: z.literal('folder'), ...rows })
  .describe('A folder of images with one subfolder per class: a row has `image` and `class`.');

export const optimizerSchema = z.strictObject({
  name: z
    .enum(['adamw', 'muon'])
    .default('adamw')
    .describe(
      'muon: Muon for matrices inside the model, AdamW for embeddings, heads, norms, biases and adapters; from fresh ' +
        "weights it needs several times AdamW's learning rate.",
    ),
  learningRate: z.number().positive().describe('Peak learning rate, reached after the warm-up.'),
  schedule: z
    .enum(['constant', 'linear', 'cosine'])
    .default('constant')
    .describe('constant, or linear or cosine decay to `finalLearningRateRatio` of the peak.'),
  finalLearningRateRatio: rate
    .default(0.1)
    .describe('Learning rate at the last step, as a share of the peak; unused with a constant schedule.'),
  warmupStepCount: z.int().min(0).default(10).describe('Steps of linear warm-up.'),
  decayFrom: z
    .enum(['peak', 'firstStep'])
    .default('peak')
    .describe(
      'peak: decay starts after the warm-up. firstStep: it starts at the first step, so that with a warm-up the rate ' +
        'stays below its peak.',
    ),
  beta1: z.number().min(0).lt(1).default(0.9).describe('AdamW: decay of the first moment.'),
  beta2: z.number().min(0).lt(1).default(0.95).describe('AdamW: decay of the second moment.'),
  epsilon: z.number().positive().default(1e-8).describe('AdamW: added to the root of the second moment.'),
  momentum: z.number().min(0).lt(1).default(0.95).describe('Muon: decay of the momentum.'),
  weightDecay: z
    .number()
    .min(0)
    .default(0)
    .describe('Decoupled; for matrices and embeddings, not for norms and biases.'),
  gradientNormMax: z.number().positive().default(1).describe('Gradients are clipped to this global L2 norm.'),
});

const armCommon = {
  mode: z.enum(['think', 'direct']).describe('think: rationale, then verdict. direct: the verdict alone.'),
  tasks: z.array(name).min(1).optional().describe('Tasks to train on; all that are not `ood` when left out.'),
  from: name.optional().describe("Start from that arm's final policy instead of the recipe's."),
  mixture: mixtureSchema.describe('How its tasks share the examples.'),
};

const training = {
  stepCount: count.describe('Optimizer updates in all.'),
  optimizer: optimizerSchema.describe('AdamW or Muon, and its learning rate.'),
  lora: loraSchema
    .optional()
    .describe('Low-rank adapters on these linear modules learn, and nothing else; all weights when left out.'),
  freeze: freezeSchema
    .optional()
    .describe('Parts that keep their weights; with `lora`, parts that get no adapters. A tied head is the embeddings.'),
  snapshotEveryStepCount: count
    .default(25)
    .describe(
      'Weights and optimizer state are kept after so many steps; what is lost with a machine is computed again from there.',
    ),
};

const arm = z.discriminatedUnion('objective', [
  z.strictObject({ objective: z.literal('none'), ...armCommon }).describe('Evaluated, not trained.'),
  z.strictObject({
    objective: z.literal('sft'),
    ...armCommon,
    ...training,
    exampleCountPerStep: count.default(64).describe('Examples in one update.'),
    directShare: rate
      .default(0)
      .describe(
        'Share of the examples that are trained in `direct` mode whatever `mode` says (which ones: by seed), ' +
          'so that one policy learns both ways to answer.',
      ),
    stepCountPerActivity: count.default(25).describe('Steps that one activity does: what a crash can cost at most.'),
  }),
  z.strictObject({
    objective: z.literal('grpo'),
    ...armCommon,
    ...training,
    promptCountPerStep: count.default(16).describe('Prompts in one update, each with `groupSize` rollouts.'),
    groupSize: z.int().min(2).default(8).describe('G, rollouts of one prompt. The paper: 20.'),
    rolloutShardCount: count
      .default(1)
      .describe('Activities that share the rollouts of a step; changes no bit of them.'),
    temperature: z.number().positive().default(1).describe('Of rollouts. Not published.'),
    topK: topKSchema,
    topP: topPSchema,
    tokenCountMax: count.default(32).describe('A rollout is cut after so many tokens. Not published.'),
    clipLow: z
      .number()
      .positive()
      .default(0.2)
      .describe('The ratio of new to old probability counts from 1 - this. Not published.'),
    clipHigh: z.number().positive().default(0.2).describe('And up to 1 + this. Not published.'),
    klCoefficient: z
      .number()
      .min(0)
      .default(0)
      .describe("Weight of the KL term to the arm's initial policy; 0 leaves it out. Not published."),
    formatWeight: rate.default(0.1).describe('a in R = (1 - a) accuracy + a format. Not published.'),
    reward: rewardSchema.describe('What a judgment is worth (docs/judging.md).'),
    curriculum: curriculumSchema.optional(),
    resampling: resamplingSchema.optional(),
    logProbToleranceMax: z
      .number()
      .positive()
      .default(1e-4)
      .describe('Rollout and trainer log-probs may differ by this much, natural log, before the run stops.'),
  }),
]);

export const recipeSchema = z.strictObject({
  name: name.describe('Prefix of the ids of its experiments.'),
  summary: z.string().optional().describe('One line, shown next to the name.'),
  seeds: z.array(z.int().min(0)).min(1).default([0]).describe('Every trained arm runs once per seed.'),
  policy: z
    .union([
      z.strictObject({ checkpoint: path }).describe('A folder in Hugging Face layout.'),
      z
        .strictObject({ config: path, initSeed: z.int().min(0).default(0).describe('Seed of the initial weights.') })
        .describe('Fresh weights, with config.json, tokenizer and templates of this folder.'),
    ])
    .describe('Initial policy of every arm.'),
  engine: z
    .strictObject({
      backend: z.enum(['onnxruntime', 'tfjs']).default('onnxruntime').describe('Runtime of the graphs.'),
      executionProvider: z
        .enum(['cpu', 'webgpu', 'cuda', 'wasm', 'tfjs-node', 'tfjs-node-gpu'])
        .optional()
        .describe('Execution provider of the backend.'),
      memoryByteLengthMax: count
        .optional()
        .describe(
          'Planned memory limit of a compute process (docs/memory.md): batches are split to fit; a single prompt that ' +
            'does not fit is an error.',
        ),
      recompute: z
        .boolean()
        .optional()
        .describe('Recompute layers in the backward pass instead of storing their activations.'),
    })
    .optional()
    .describe(
      'Engine that this recipe requires (docs/backends.md); workers with another one reject it. By default any ' +
        'engine is accepted.',
    ),
  modeWords: z
    .strictObject({
      think: z.string().describe('Asks for a rationale, then the verdict.'),
      direct: z.string().describe('Asks for the verdict alone.'),
    })
    .default({ think: 'think', direct: 'directly' })
    .describe('Words that ask for each mode: the values of `mode_word` in prompts.'),
  stopSequences: stopSequencesSchema,
  tasks: z.record(name, taskSchema).describe('The judging tasks, by name (docs/judging.md).'),
  dataFolder: path.optional().describe("Base folder of relative dataset paths; default: the recipe's folder."),
  datasets: z
    .array(z.discriminatedUnion('reader', [judgeWorld, jsonl, json, csv, parquet, tar, zip, folder]))
    .min(1)
    .describe('Where the rows are, and which fields are the image, the label and the text (docs/data.md).'),
  quarantineRateMax: rate
    .default(0.1)
    .describe("Ingestion fails if more than this share of a dataset's rows is unusable."),
  leaks: leaksSchema.describe('Detection of examples shared between splits, or between trained and unseen tasks.'),
  arms: z.record(name, arm).describe('The configurations to compare, by name.'),
  evaluation: evaluationSchema.describe('Final evaluation of every arm (docs/evaluation.md).'),
  promotion: promotionSchema.optional().describe('Used by `mtrl schedule` and `mtrl promote`.'),
});

export type Recipe = z.infer<typeof recipeSchema>;
export type RecipeInput = z.input<typeof recipeSchema>;
export type TaskSpec = z.infer<typeof taskSchema>;
export type DatasetSpec = Recipe['datasets'][number];
export type JudgeWorldSpec = z.infer<typeof judgeWorld>;
/** Rows in files. */
export type RowsSpec = Exclude<DatasetSpec, JudgeWorldSpec>;
export type Arm = z.infer<typeof arm>;
export type Objective = Arm['objective'];
export type SftArm = Extract<Arm, { objective: 'sft' }>;
export type GrpoArm = Extract<Arm, { objective: 'grpo' }>;
export type OptimizerSpec = z.infer<typeof optimizerSchema>;
