/**
 * A few synthetic rows in the files and columns of the published judging data, as recipes/adapters expect them below
 * one folder.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parquetWriteBuffer, type SchemaElement } from 'hyparquet-writer';
import sharp from 'sharp';
import { Rng } from '../../core/rng.ts';
import { csvOf } from './source-fixtures.ts';

/** A picture that differs from all others. */
async function picture(...name: readonly (string | number)[]): Promise<Buffer> {
  const rng = new Rng('published pictures', ...name);
  const pixels = Uint8Array.from({ length: 8 * 8 * 3 }, () => rng.integer(0, 256));
  return sharp(pixels, { raw: { width: 8, height: 8, channels: 3 } })
    .resize(40, 40)
    .png()
    .toBuffer();
}

async function put(file: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, bytes);
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

type Column = readonly [name: string, values: readonly unknown[]];

/** Columns of texts and numbers as they are; of buffers as Hugging Face's {bytes, path}, or plain if `isPlain`. */
function parquetOf(columns: readonly Column[], { isPlain = false } = {}): Uint8Array {
  const [schema, columnData] = [[] as SchemaElement[], [] as { name: string; data: unknown[] }[]];
  for (const [name, values] of columns) {
    const [first] = values;
    const isPicture = first instanceof Uint8Array;
    const optional = { repetition_type: 'OPTIONAL' } as const;
    if (isPicture && !isPlain) {
      schema.push({ name, ...optional, num_children: 2 }, { name: 'bytes', type: 'BYTE_ARRAY', ...optional });
      schema.push({ name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', ...optional });
      columnData.push({ name, data: values.map((bytes) => ({ bytes, path: null })) });
      continue;
    }
    if (isPicture) schema.push({ name, type: 'BYTE_ARRAY', ...optional });
    else if (typeof first === 'string') schema.push({ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', ...optional });
    else if (typeof first === 'bigint') schema.push({ name, type: 'INT64', ...optional });
    else schema.push({ name, type: 'DOUBLE', ...optional });
    columnData.push({ name, data: [...values] });
  }
  const root = { name: 'schema', num_children: columns.length };
  return new Uint8Array(parquetWriteBuffer({ schema: [root, ...schema], columnData }));
}

/** 20 images with scores evenly from 1 to 4.8, in another order for each question. */
async function agin(folder: string): Promise<void> {
  const names = numbers(20).map((i) => `model_${String(i)}.png`);
  const score = (i: number, step: number): string => String(1 + ((i * step) % 20) / 5);
  const rows = names.map((name, i) => [name, score(i, 1), score(i, 3), score(i, 7)]);
  await put(path.join(folder, 'mos.csv'), csvOf([['filename', 'MOS_nat', 'MOS_tech', 'MOS_rat'], ...rows]));
  for (const name of names) await put(path.join(folder, 'images', name), await picture(name));
}

/** 40 rows, two texts per image: one that fits and one that does not. */
async function seetrue(folder: string): Promise<void> {
  const rows = numbers(40).map((i) => {
    const image = `${String(i >> 1)}.jpg`;
    return [image, `a text, "quoted", ${String(i)}`, String(i % 2), `id-${String(i)}`, 'drawbench'];
  });
  const header = ['image', 'text', 'label', 'original_dataset_id', 'dataset_source'];
  await put(path.join(folder, 'SeeTRUE.csv'), csvOf([header, ...rows]));
  for (const i of numbers(20)) await put(path.join(folder, 'images', `${String(i)}.jpg`), await picture('seetrue', i));
}

export const sharedPrompt = 'A lighthouse, in the fog';

/** 3 prompts per file with 4 generations each, two of which share a rank. */
async function imagereward(folder: string): Promise<void> {
  for (const split of ['train', 'validation', 'test']) {
    const rows = numbers(3).map((i) => ({
      id: `00${String(i)}-${split}`,
      prompt: split === 'test' && i === 0 ? sharedPrompt : `prompt ${String(i)} of ${split}`,
      generations: numbers(4).map((k) => `${split}/${String(i)}/${String(k)}.webp`),
      ranking: [1, 2, 2, 5],
    }));
    await put(path.join(folder, `${split}.json`), JSON.stringify(rows));
    for (const name of rows.flatMap(({ generations }) => generations))
      await put(path.join(folder, 'images', name), await picture(name));
  }
}

/** 20 training rows in two shards, 6 test rows. */
async function unsafebench(folder: string): Promise<void> {
  for (const [shard, count] of [
    ['train-00000-of-00002', 10],
    ['train-00001-of-00002', 10],
    ['test-00000-of-00001', 6],
  ] as const) {
    const rows = numbers(count);
    const columns: Column[] = [
      ['image', await Promise.all(rows.map((i) => picture(shard, i)))],
      ['safety_label', rows.map((i) => (i % 2 === 0 ? 'Safe' : 'Unsafe'))],
      ['category', rows.map(() => 'Hate')],
      ['source', rows.map(() => 'Lexica')],
      ['text', rows.map((i) => `text ${String(i)}`)],
    ];
    await put(path.join(folder, `${shard}.parquet`), parquetOf(columns));
  }
}

/** 30 pairs each, the first picture always the right one; one caption equals an ImageReward prompt. */
async function mjbench(folder: string): Promise<void> {
  for (const kind of ['alignment', 'safety']) {
    const rows = numbers(30);
    const pictures = (place: string) => Promise.all(rows.map((i) => picture(kind, place, i)));
    const columns: Column[] = [
      [
        'caption',
        rows.map((i) => (kind === 'alignment' && i === 0 ? sharedPrompt.toLowerCase() : `${kind} ${String(i)}`)),
      ],
      ['image0', await pictures('0')],
      ['image1', await pictures('1')],
      ['label', rows.map(() => 0n)],
      ['info', rows.map(() => '{}')],
    ];
    await put(path.join(folder, `${kind}-00000-of-00001.parquet`), parquetOf(columns));
  }
}

/** 50 pairs: the first picture was picked, the second, or neither (10 of them). */
async function pickAPic(folder: string): Promise<void> {
  const rows = numbers(50);
  const label = (i: number): number => (i % 5 === 4 ? 0.5 : i % 2);
  const columns: Column[] = [
    ['caption', rows.map((i) => `caption ${String(i)}`)],
    ['jpg_0', await Promise.all(rows.map((i) => picture('pick', 0, i)))],
    ['jpg_1', await Promise.all(rows.map((i) => picture('pick', 1, i)))],
    ['label_0', rows.map((i) => label(i))],
    ['label_1', rows.map((i) => 1 - label(i))],
  ];
  await put(path.join(folder, 'train-00000-of-00001.parquet'), parquetOf(columns, { isPlain: true }));
}

/** 10 sentences with two pictures each, and 6 test rows. */
async function nlvr(folder: string): Promise<void> {
  for (const [file, count] of [
    ['train1000', 20],
    ['dev', 6],
  ] as const) {
    const rows = numbers(count).map((i) => ({
      sentence: `there are ${String(i >> 1)} boxes (${file})`,
      label: String(i % 2 === 0),
      identifier: `${String(i >> 1)}-${String(i % 2)}`,
      images: [`${file}/images/${file}-${String(i)}.png`],
    }));
    await put(path.join(folder, `${file}.jsonl`), rows.map((row) => JSON.stringify(row)).join('\n'));
    for (const name of rows.flatMap(({ images }) => images)) await put(path.join(folder, name), await picture(name));
  }
}

export async function writePublishedFiles(folder: string): Promise<void> {
  const writers = { agin, seetrue, imagereward, unsafebench, mjbench, 'pick-a-pic': pickAPic, nlvr };
  for (const [name, write] of Object.entries(writers)) await write(path.join(folder, name));
}
