/** Small datasets with the same rows in every supported format: three pictures, two labels, one caption each. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import sharp from 'sharp';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { tarOf, zipOf } from './archives.ts';

type Dataset = Extract<RecipeInput['datasets'][number], { reader: 'csv' | 'parquet' | 'jsonl' }>;
type Reader = Exclude<RecipeInput['datasets'][number]['reader'], 'judge-world'>;

export const task: RecipeInput['tasks'][string] = {
  kind: 'pointwise',
  labels: ['yes', 'no'],
  prompt: '<image> {{ caption }} {{ mode_word }}',
};

export const rows = [
  { id: 'a', label: 'yes', caption: 'a red box', image: 'a.png' },
  { id: 'b', label: 'no', caption: 'ein grüner Würfel, "schräg"', image: 'b.png' },
  { id: 'c', label: 'yes', caption: '赤い箱 🟥', image: 'c.png' },
] as const;

/** A picture of a single colour, which depends on `level`. */
export function picture(level: number, edge = 8): Promise<Buffer> {
  const background = { r: level, g: 90, b: 255 - level };
  return sharp({ create: { width: edge, height: edge, channels: 3, background } })
    .png()
    .toBuffer();
}

export function csvOf(lines: readonly (readonly string[])[]): string {
  return lines.map((line) => line.map((value) => `"${value.replaceAll('"', '""')}"`).join(',')).join('\r\n');
}

export interface SourceFixture {
  readonly reader: Reader;
  /** File name in the folder; for the reader `folder`, the folder's name. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly dataset: Partial<Omit<Dataset, 'reader'>>;
}

const fields = { prompt: ['caption'] };

/** One fixture per reader except `folder`, whose files are the pictures themselves. */
export async function sourceFixtures(): Promise<SourceFixture[]> {
  const pictures = await Promise.all(rows.map((_, i) => picture(40 + 80 * i)));
  const samples = rows.flatMap(({ id, label, caption }, i) => [
    { name: `${id}.json`, bytes: Buffer.from(JSON.stringify({ label, caption })) },
    { name: `${id}.png`, bytes: pictures[i] ?? Buffer.alloc(0) },
  ]);
  const archive = { fields: { ...fields, id: '__key__', images: ['png'] } };
  const columns = (['id', 'label', 'caption'] as const).map((name) => ({
    name,
    data: rows.map((row) => row[name]),
    type: 'STRING' as const,
  }));
  const parquet = parquetWriteBuffer({
    columnData: [...columns, { name: 'image', data: pictures, type: 'BYTE_ARRAY' }],
    rowGroupSize: 2,
  });
  const table = csvOf([['id', 'label', 'caption', 'image'], ...rows.map((row) => Object.values(row))]);
  return [
    {
      reader: 'jsonl',
      name: 'rows.jsonl',
      bytes: Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n')),
      dataset: { fields },
    },
    { reader: 'json', name: 'rows.json', bytes: Buffer.from(JSON.stringify(rows, null, 1)), dataset: { fields } },
    { reader: 'csv', name: 'rows.csv', bytes: Buffer.from(`\uFEFF${table}`), dataset: { fields } },
    { reader: 'parquet', name: 'rows.parquet', bytes: new Uint8Array(parquet), dataset: { fields } },
    { reader: 'tar', name: 'rows.tar', bytes: await tarOf(samples), dataset: archive },
    { reader: 'zip', name: 'rows.zip', bytes: zipOf(samples), dataset: archive },
  ];
}

/** Writes the rows' pictures, and one sub-folder per class. */
export async function writePictures(folder: string): Promise<void> {
  for (const [i, { image, label }] of rows.entries()) {
    const bytes = await picture(40 + 80 * i);
    for (const place of [path.join(folder, 'images'), path.join(folder, 'classes', label)]) {
      await mkdir(place, { recursive: true });
      await writeFile(path.join(place, image), bytes);
    }
  }
}

/** The fixture as a dataset of a recipe, with its file in that folder. */
export function datasetOf({ reader, name, dataset }: SourceFixture, folder: string): RecipeInput['datasets'][number] {
  const named = { reader, task: 'holds', split: 'test', path: `${folder}/${name}` };
  return { ...named, imageFolder: `${folder}/images`, ...dataset } as RecipeInput['datasets'][number];
}
