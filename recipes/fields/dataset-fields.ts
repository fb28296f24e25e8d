/** Sources of rows: the judge world, or files in one of several formats. */
import { z } from 'zod';
import { candidatesSchema, contextSchema } from './candidate-fields.ts';
import { datasetOptions, labelFieldSchema, splitSchema } from './dataset-options.ts';
import { name, count, rate, path } from './scalars.ts';
import { rationaleSchema } from './section-fields.ts';
import { voteFieldsSchema } from './vote-fields.ts';

const judgeWorld = z.strictObject({
  reader: z.literal('judge-world'),
  tasks: z
    .array(name)
    .min(1)
    .describe('Tasks that the world draws examples of; they, or what `as` names, must be among `tasks`.'),
  as: z
    .record(name, name)
    .optional()
    .describe(
      'World task -> the task of the recipe that its examples are of, such as `safety: shuffled-safety` for labels of ' +
        'another annotator; default: the task of the same name.',
    ),
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

/** Fields of every dataset of rows, independent of the file format (docs/data.md). */
const rows = {
  task: name.describe('The task that its rows are examples of.'),
  split: splitSchema,
  path: path.describe(
    'A file, or several by a glob (`*`, `**`, `?`, `{a,b}`), read in the order of their names; local, or ' +
      '`s3://bucket/key`, or on the Hub `hf:datasets/org/name@revision/path`.',
  ),
  imageFolder: path
    .optional()
    .describe('Where images lie that a row names by text. Not needed where the rows or the archive hold them.'),
  imagePrefix: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Start of the names of images that is not part of their path in `imageFolder`, such as `/data/local-files/?d=`.',
    ),
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
        .describe(
          'One field an image, or a list of them, in the order of the prompt; none for a task of text alone. A star ' +
            'stands for all elements of a list: `messages.*.image`.',
        ),
      context: contextSchema.optional(),
      candidates: candidatesSchema.optional(),
      label: labelFieldSchema.default('label'),
      votes: voteFieldsSchema.optional(),
      prompt: z
        .array(z.string())
        .default([])
        .describe('Row fields that the prompt template uses: texts, or lists and objects of them.'),
      group: z
        .string()
        .optional()
        .describe('Rows with the same value are never parted by a split and are resampled together.'),
    })
    .describe('Row field names; `a.b`, `a.0` and `a.-1` (the last) are inside objects, lists and JSON texts.'),
  ...datasetOptions,
  rationale: rationaleSchema.optional(),
};

interface Format {
  /** Fields of this format, in addition to those of every dataset of rows. */
  readonly fields?: Readonly<Record<string, z.ZodType>>;
  /** Description for the recipe reference. */
  readonly meaning?: string;
}

/** File formats; their readers are in judge/datasets/readers/table.ts. */
const formats = {
  jsonl: {},
  json: {
    fields: {
      rows: z
        .string()
        .optional()
        .describe('Member of the document that holds the rows, if the document is an object with other members too.'),
    },
    meaning: "An array of rows, or an object whose members are rows (`__key__` is the member's name).",
  },
  csv: {
    fields: {
      delimiter: z.string().length(1).optional().describe('A tab for files named .tsv, else a comma.'),
      encoding: z
        .enum(['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'])
        .default('utf-8')
        .describe('What a byte order mark does not say.'),
    },
    meaning: 'The first line names the columns.',
  },
  parquet: {},
  tar: {
    meaning:
      'WebDataset: files with the same name before the first dot are one row; the fields of its .json are ' +
      "the row's.",
  },
  zip: {},
  folder: { meaning: 'A folder of images with one sub-folder a class: a row has `image` and `class`.' },
} satisfies Readonly<Record<string, Format>>;

export type ReaderName = keyof typeof formats;
type FieldsOf<Name extends ReaderName> = (typeof formats)[Name] extends { readonly fields: infer Own } ? Own : unknown;
type RowsSchema = {
  [Name in ReaderName]: z.ZodObject<{ reader: z.ZodLiteral<Name> } & typeof rows & FieldsOf<Name>, z.core.$strict>;
}[ReaderName];

function rowsSchema(reader: string, { fields, meaning }: Format): RowsSchema {
  const schema = z.strictObject({ reader: z.literal(reader), ...rows, ...fields });
  return (meaning === undefined ? schema : schema.describe(meaning)) as unknown as RowsSchema;
}

export const datasetSchema = z.discriminatedUnion('reader', [
  judgeWorld,
  ...Object.entries(formats).map(([reader, format]) => rowsSchema(reader, format)),
]);

export type JudgeWorldSpec = z.infer<typeof judgeWorld>;
/** A dataset of rows in files. */
export type RowsSpec = z.infer<RowsSchema>;
