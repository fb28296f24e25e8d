/**
 * The recipe: everything that decides a result, in one document. This schema is the only description of it; types,
 * defaults, allowed values and error messages come from here. Fields marked "not published" have no value in
 * arXiv 2603.11665; ours is the default.
 */
import { z } from 'zod';
import { datasetOptions, labelFieldSchema, leaksSchema, splitSchema } from './fields/dataset-options.ts';
import { evaluationSchema } from './fields/evaluation-fields.ts';
import { promotionSchema } from './fields/promotion-fields.ts';
import { stopSequencesSchema } from './fields/sampling-fields.ts';
import { taskSchema } from './fields/task-fields.ts';
import { armSchema } from './objectives/table.ts';

const name = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and dashes');
const count = z.int().min(1);
const rate = z.number().min(0).max(1);
/** Paths are relative to the recipe file; `mtrl run` makes them absolute. */
const path = z.string().min(1);

const judgeWorld = z.strictObject({
  reader: z.literal('judge-world'),
  tasks: z.array(name).min(1).describe('Tasks that the world draws examples of; they must be among `tasks`.'),
  split: z.enum(['train', 'val', 'test']).describe('Where its examples go.'),
  exampleCount: count.describe('Per task.'),
  seed: z.int().min(0).describe('The same seed draws the same pictures.'),
  annotator: z
    .strictObject({
      hardErrorRate: rate
        .default(0)
        .describe('Chance that a hard attribute (orange/purple, low float, mild defect, small flame) is misread.'),
      easyErrorRate: rate.default(0).describe('Chance that an easy attribute is misread.'),
      flipRate: rate.default(0).describe('Chance that the final answer is the other one.'),
    })
    .default({ hardErrorRate: 0, easyErrorRate: 0, flipRate: 0 })
    .describe("Who labels: the scene's truth, or an annotator who misreads it."),
});

/** What a dataset of rows says, whatever files they come in (docs/data.md). */
const rows = {
  task: name.describe('The task that its rows are examples of.'),
  split: splitSchema,
  path: path.describe(
    'A file, or several by a glob (`*`, `**`, `?`, `{a,b}`), read in the order of their names; local, or ' +
      '`s3://bucket/key`.',
  ),
  imageFolder: path
    .optional()
    .describe('Where images lie that a row names by text. Not needed where the rows or the archive hold them.'),
  imageEdgeMax: z
    .int()
    .min(16)
    .optional()
    .describe(
      'Images whose longer side is greater are kept in this size, in pixels (JPEG at quality 95, others ' +
        'lossless).',
    ),
  fields: z
    .strictObject({
      id: z.string().default('id').describe('Names the row; a later row of the same id is quarantined.'),
      images: z
        .array(z.string())
        .default(['image'])
        .describe('One field an image, in the order of the prompt; none for a task of text alone.'),
      label: labelFieldSchema.default('label'),
      prompt: z.array(z.string()).default([]).describe('Row fields that the prompt template uses.'),
      group: z
        .string()
        .optional()
        .describe('Rows with the same value are never parted by a split and are resampled together.'),
    })
    .describe('Row field names.'),
  ...datasetOptions,
  rationale: z
    .string()
    .optional()
    .describe('Jinja over the row (`row`) and `label`, giving the reason that supervised `think` training shows.'),
};

const jsonl = z.strictObject({ reader: z.literal('jsonl'), ...rows });
const json = z
  .strictObject({ reader: z.literal('json'), ...rows })
  .describe("An array of rows, or an object whose members are rows (`__key__` is the member's name).");
const csv = z
  .strictObject({
    reader: z.literal('csv'),
    ...rows,
    delimiter: z.string().length(1).optional().describe('A tab for files named .tsv, else a comma.'),
    encoding: z
      .enum(['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'])
      .default('utf-8')
      .describe('What a byte order mark does not say.'),
  })
  .describe('The first line names the columns.');
const parquet = z.strictObject({ reader: z.literal('parquet'), ...rows });
const tar = z
  .strictObject({ reader: z.literal('tar'), ...rows })
  .describe(
    'WebDataset: files with the same name before the first dot are one row; the fields of its .json are ' +
      "the row's.",
  );
const zip = z.strictObject({ reader: z.literal('zip'), ...rows });
const folder = z
  .strictObject({ reader: z.literal('folder'), ...rows })
  .describe('A folder of images with one sub-folder a class: a row has `image` and `class`.');

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
    .array(z.discriminatedUnion('reader', [judgeWorld, jsonl, json, csv, parquet, tar, zip, folder]))
    .min(1)
    .describe('Where rows lie and what in them is the image, the label and the text (docs/data.md).'),
  quarantineRateMax: rate
    .default(0.1)
    .describe("Ingestion fails when more than this share of a dataset's rows cannot be used."),
  leaks: leaksSchema.describe('What of one split another split, or an unseen task, may not show.'),
  arms: z.record(name, armSchema).describe('Configurations that are compared, by name.'),
  evaluation: evaluationSchema.describe('What every arm is asked at its end (docs/evaluation.md).'),
  promotion: promotionSchema.optional().describe('For `mtrl schedule` and `mtrl promote`.'),
});

export type Recipe = z.infer<typeof recipeSchema>;
export type RecipeInput = z.input<typeof recipeSchema>;
export type TaskSpec = z.infer<typeof taskSchema>;
export type DatasetSpec = Recipe['datasets'][number];
export type JudgeWorldSpec = z.infer<typeof judgeWorld>;
/** Rows in files. */
export type RowsSpec = Exclude<DatasetSpec, JudgeWorldSpec>;
export type { Arm, Objective, RlArm, SftArm, TrainedArm } from './objectives/table.ts';
export type { OptimizerSpec } from './fields/arm-fields.ts';
