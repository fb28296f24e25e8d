/**
 * Ingests a dataset of `--rows` rows of text and label that share a few pictures, mixes it, and loads the examples of
 * 20 steps of 64 prompts, in separate processes and from a folder store. Memory must not grow with the number of rows.
 */
import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { Rng } from '../core/rng.ts';
import type { BenchOptions } from './main.ts';
import { median, rounded } from './statistics.ts';

const rowCountDefault = 100_000;
const pictureCount = 8;
/** Every this many rows, one is a test row; test rows have pictures of their own. */
const testEvery = 20;

interface Prepared {
  readonly exampleCount: number;
  readonly ingestMs: number;
  readonly mixMs: number;
  readonly residentMebibytesMax: number;
}

interface Steps {
  readonly accessMs: readonly number[];
  readonly residentMebibytesMax: number;
}

export async function bench(log: (line: string) => void, { rowCount = rowCountDefault }: BenchOptions) {
  const folder = mkdtempSync(path.join(tmpdir(), 'mtrl-bench-dataset-'));
  try {
    log(`writing ${String(rowCount)} rows`);
    await writePictures(folder);
    await writeRows(folder, rowCount);
    log('ingesting and mixing');
    const prepared = run('prepare', folder) as Prepared;
    if (prepared.exampleCount !== rowCount) throw new Error(`${String(prepared.exampleCount)} examples`);
    log('drawing steps');
    const steps = run('steps', folder) as Steps;
    return {
      rowCount,
      rowsPerSecond: rounded(rowCount / (prepared.ingestMs / 1_000)),
      ingestSeconds: rounded(prepared.ingestMs / 1_000),
      mixSeconds: rounded(prepared.mixMs / 1_000),
      ingestMebibytesMax: rounded(prepared.residentMebibytesMax),
      stepAccessMs: { median: rounded(median(steps.accessMs)), max: rounded(Math.max(...steps.accessMs)) },
      stepMebibytesMax: rounded(steps.residentMebibytesMax),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(part: string, folder: string): unknown {
  const script = fileURLToPath(new URL('dataset-work.ts', import.meta.url));
  // The same setting as infra/stack/workers.ts gives a worker.
  const env = { UV_THREADPOOL_SIZE: String(availableParallelism()), ...process.env };
  const args = ['--import', 'tsx', script, part, folder];
  const { stdout, status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  if (status !== 0) throw new Error(`${part} ended with ${String(status)}`);
  return JSON.parse(stdout.toString().trim().split('\n').at(-1) ?? '');
}

const pictureName = (split: string, i: number): string => `${split}-${String(i)}.png`;

async function writePictures(folder: string): Promise<void> {
  for (const split of ['train', 'test']) {
    for (let i = 0; i < pictureCount; i++) {
      const rng = new Rng('bench-dataset-picture', split, i);
      const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, () => rng.integer(0, 256));
      const png = await sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } })
        .png()
        .toBuffer();
      writeFileSync(path.join(folder, pictureName(split, i)), png);
    }
  }
}

async function writeRows(folder: string, rowCount: number): Promise<void> {
  const files = {
    train: createWriteStream(path.join(folder, 'train.jsonl')),
    test: createWriteStream(path.join(folder, 'test.jsonl')),
  };
  for (let i = 0; i < rowCount; i++) {
    const split = i % testEvery === 0 ? 'test' : 'train';
    const row = {
      ...{ id: `row ${String(i)}`, label: i % 3 === 0 ? 'yes' : 'no', image: pictureName(split, i % pictureCount) },
      caption: `Statement ${String(i)}: what the picture shows is said here in about as many words as a short caption has.`,
    };
    if (!files[split].write(`${JSON.stringify(row)}\n`)) await once(files[split], 'drain');
  }
  await Promise.all(Object.values(files).map((file) => finished(file.end())));
}
