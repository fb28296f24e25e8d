/**
 * The recipe: everything that determines a result, in one document. This schema is its only description; types,
 * defaults, allowed values and error messages are derived from it. Fields marked "not published" have no value in arXiv
 * 2603.11665; their defaults are ours.
 */
import { z } from 'zod';
import { absentDataSchema } from './fields/absent-data-field.ts';
import { datasetSchema } from './fields/dataset-fields.ts';
import { leaksSchema } from './fields/dataset-options.ts';
import { evaluationSchema } from './fields/evaluation-fields.ts';
import { poolsSchema } from './fields/pools-field.ts';
import { promotionSchema } from './fields/promotion-fields.ts';
import { stopSequencesSchema } from './fields/sampling-fields.ts';
import { sweepSchema } from './fields/sweep-fields.ts';
import { taskSchema } from './fields/task-fields.ts';
import { tinkerSchema } from './fields/tinker-fields.ts';
import { armSchema } from './objectives/table.ts';
import { armName, name, count, rate, path } from './fields/scalars.ts';

export const recipeSchema = z.strictObject({
  name: name.describe('Prefix of the ids of its experiments.'),
  summary: z.string().optional().describe('One line, shown next to the name.'),
  seeds: z.array(z.int().min(0)).min(1).default([0]).describe('Every trained arm runs once per seed.'),
  parallelRunCountMax: count
    .optional()
    .describe(
      'Runs that train or are evaluated at the same time; default: all. An engine that turns from one run to another ' +
        'loads and compiles its policy again: for a large model, set this to the number of engines.',
    ),
  pools: poolsSchema
    .optional()
    .describe(
      'Pools of compute workers for parts of the work (docs/production.md): a worker joins one by `MTRL_POOL`. ' +
        'By default one common pool does everything. Does not affect results.',
    ),
  policy: z
    .union([
      z
        .strictObject({ checkpoint: path })
        .describe(
          'A folder in Hugging Face layout, a folder with a LoRA adapter (PEFT layout), a GGUF file, or any of these on the Hub: `hf:org/name@revision`, `hf:org/name@revision/model.gguf`.',
        ),
      z
        .strictObject({ config: path, initSeed: z.int().min(0).default(0).describe('Seed of the initial weights.') })
        .describe('Fresh weights, with config.json, tokenizer and templates of this folder.'),
    ])
    .optional()
    .describe('Initial policy of every arm. Only a recipe whose arms all have a `policy` of their own needs none.'),
  engine: z
    .strictObject({
      backend: z.enum(['onnxruntime', 'tfjs']).default('onnxruntime').describe('Runtime of the graphs.'),
      executionProvider: z
        .enum(['cpu', 'webgpu', 'cuda', 'wasm', 'tfjs-node', 'tfjs-node-gpu'])
        .optional()
        .describe('Execution provider of the backend.'),
      memoryByteLengthMax: z
        .int()
        .min(1)
        .optional()
        .describe(
          'Planned memory limit of a compute process (docs/memory.md): batches are split to fit; a single prompt that ' +
            'does not fit is an error.',
        ),
      tinker: tinkerSchema
        .optional()
        .describe(
          'A server of the Tinker API computes (docs/tinker.md); `backend` and `executionProvider` do not count.',
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
  promptDate: z.iso
    .date()
    .optional()
    .describe(
      "The day, such as `2026-03-01`, that chat templates write into prompts which ask for today's date (`strftime_now`); " +
        '2024-07-26 where left out. Prompts do not depend on the clock.',
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
    .array(datasetSchema)
    .min(1)
    .describe('Where the rows are, and which fields are the image, the label and the text (docs/data.md).'),
  absentData: absentDataSchema,
  quarantineRateMax: rate
    .default(0.1)
    .describe("Ingestion fails when more than this share of a dataset's rows cannot be used."),
  leaks: leaksSchema.describe('What of one split another split, or an unseen task, may not show.'),
  arms: z.record(armName, armSchema).describe('Configurations that are compared, by name.'),
  sweeps: z
    .record(name, sweepSchema)
    .optional()
    .describe('Fields of an arm varied, each combination an arm of its own (docs/comparing.md).'),
  evaluation: evaluationSchema.describe('What every arm is asked at its end (docs/evaluation.md).'),
  promotion: promotionSchema.optional().describe('For `mtrl schedule` and `mtrl promote`.'),
});

export type Recipe = z.infer<typeof recipeSchema>;
export type RecipeInput = z.input<typeof recipeSchema>;
export type TaskSpec = z.infer<typeof taskSchema>;
export type DatasetSpec = Recipe['datasets'][number];
export type { JudgeWorldSpec, RowsSpec } from './fields/dataset-fields.ts';
export type { Arm, Objective, RlArm, SftArm, TrainedArm } from './objectives/table.ts';
export type { OptimizerSpec } from './fields/arm-fields.ts';
