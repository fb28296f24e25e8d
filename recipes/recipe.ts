/**
 * The recipe: everything that decides a result, in one document. This schema is the only description of it; types,
 * defaults, allowed values and error messages come from here. Fields marked "not published" have no value in
 * arXiv 2603.11665; ours is the default.
 */
import { z } from 'zod';
import { freezeSchema, loraSchema } from './fields/trainable-fields.ts';
import { datasetSchema } from './fields/dataset-fields.ts';
import { leaksSchema } from './fields/dataset-options.ts';
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

export const optimizerSchema = z.strictObject({
  name: z
    .enum(['adamw', 'muon'])
    .default('adamw')
    .describe(
      'muon: Muon for matrices inside the model, AdamW for embeddings, heads, norms, biases and adapters; from fresh ' +
        'weights it wants several times the rate of AdamW.',
    ),
  learningRate: z.number().positive().describe('Its peak, after the warm-up.'),
  schedule: z
    .enum(['constant', 'linear', 'cosine'])
    .default('constant')
    .describe('constant, or down to `finalLearningRateRatio` of the peak by a line or a cosine.'),
  finalLearningRateRatio: rate
    .default(0.1)
    .describe('Of the peak, at the last step; unused where the schedule is constant.'),
  warmupStepCount: z.int().min(0).default(10).describe('Steps in which the rate grows evenly to its peak.'),
  decayFrom: z
    .enum(['peak', 'firstStep'])
    .default('peak')
    .describe(
      'peak: a decay begins where the warm-up ends. firstStep: it begins at the first step, so the rate stays below its ' +
        'peak where there is a warm-up.',
    ),
  beta1: z.number().min(0).lt(1).default(0.9).describe('AdamW: decay of the mean of gradients.'),
  beta2: z.number().min(0).lt(1).default(0.95).describe('AdamW: decay of the mean of their squares.'),
  epsilon: z.number().positive().default(1e-8).describe('AdamW: added to the root of the mean square.'),
  momentum: z.number().min(0).lt(1).default(0.95).describe('Muon: decay of the mean of gradients.'),
  weightDecay: z.number().min(0).default(0).describe('Decoupled; of matrices and embeddings, not of norms and biases.'),
  gradientNormMax: z.number().positive().default(1).describe("Ceiling of the gradient's global L2 norm."),
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
  name: name.describe('Begins the ids of its experiments.'),
  summary: z.string().optional().describe('One line, shown beside the name.'),
  seeds: z.array(z.int().min(0)).min(1).default([0]).describe('One run of every trained arm for each seed.'),
  policy: z
    .union([
      z.strictObject({ checkpoint: path }).describe('A folder in Hugging Face layout.'),
      z
        .strictObject({ config: path, initSeed: z.int().min(0).default(0).describe('The weights are drawn by it.') })
        .describe('Fresh weights for the config.json, tokenizer and templates of that folder.'),
    ])
    .describe('What every arm starts from.'),
  engine: z
    .strictObject({
      backend: z.enum(['onnxruntime', 'tfjs']).default('onnxruntime').describe('What runs the graphs.'),
      executionProvider: z
        .enum(['cpu', 'webgpu', 'cuda', 'wasm', 'tfjs-node', 'tfjs-node-gpu'])
        .optional()
        .describe('Where the backend computes.'),
      memoryByteLengthMax: count
        .optional()
        .describe(
          'What a compute process may hold, by plan (docs/memory.md): batches are cut to fit, and what cannot ' +
            'be cut is refused.',
        ),
      recompute: z
        .boolean()
        .optional()
        .describe('Layers are computed once more in the backward pass instead of kept for it.'),
    })
    .optional()
    .describe(
      'What must compute this recipe (docs/backends.md): a compute worker with other engines refuses. ' +
        'Whatever it has when left out.',
    ),
  modeWords: z
    .strictObject({
      think: z.string().describe('Asks for a rationale, then the verdict.'),
      direct: z.string().describe('Asks for the verdict alone.'),
    })
    .default({ think: 'think', direct: 'directly' })
    .describe('The words that ask for each mode: they become `mode_word` in prompts.'),
  stopSequences: stopSequencesSchema,
  tasks: z.record(name, taskSchema).describe('What is judged, by name (docs/judging.md).'),
  dataFolder: path
    .optional()
    .describe("Folder that relative dataset paths start from; without it they start from the recipe's folder."),
  datasets: z
    .array(datasetSchema)
    .min(1)
    .describe('Where rows lie and what in them is the image, the label and the text (docs/data.md).'),
  quarantineRateMax: rate
    .default(0.1)
    .describe("Ingestion fails when more than this share of a dataset's rows cannot be used."),
  leaks: leaksSchema.describe('What of one split another split, or an unseen task, may not show.'),
  arms: z.record(name, arm).describe('Configurations that are compared, by name.'),
  evaluation: evaluationSchema.describe('What every arm is asked at its end (docs/evaluation.md).'),
  promotion: promotionSchema.optional().describe('For `mtrl schedule` and `mtrl promote`.'),
});

export type Recipe = z.infer<typeof recipeSchema>;
export type RecipeInput = z.input<typeof recipeSchema>;
export type TaskSpec = z.infer<typeof taskSchema>;
export type DatasetSpec = Recipe['datasets'][number];
export type { JudgeWorldSpec, RowsSpec } from './fields/dataset-fields.ts';
export type Arm = z.infer<typeof arm>;
export type Objective = Arm['objective'];
export type SftArm = Extract<Arm, { objective: 'sft' }>;
export type GrpoArm = Extract<Arm, { objective: 'grpo' }>;
export type OptimizerSpec = z.infer<typeof optimizerSchema>;
