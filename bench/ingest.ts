/**
 * Ingests 10,000 JPEG rows of a parquet file: decode, resize to 224 pixels, hash, store in a folder. Ours and
 * `datasets` + Pillow (bench/peers/ingest.py, two processes) run alternately, each in a process of its own.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parquetWriteFile } from 'hyparquet-writer';
import sharp from 'sharp';
import { Rng } from '../core/rng.ts';
import { cacheRoot } from '../infra/binaries/cache.ts';
import type { BenchOptions } from './main.ts';
import { peerFile, peerPython } from './python-peer.ts';
import { median, rounded } from './statistics.ts';

const rowCount = 10_000;
const [width, height] = [480, 360];
const roundCount = 3;
/** The row group size that Hugging Face's library writes for images. */
const rowGroupSize = 100;

interface Run {
  readonly imageCount: number;
  readonly wallMs: number;
  /** Processor time of the process and its children. */
  readonly processorMs: number;
  readonly residentMebibytesMax: number;
}

export async function bench(log: (line: string) => void, { withPeers }: BenchOptions) {
  const file = await parquetFile(log);
  const ours: Run[] = [];
  const peer: Run[] = [];
  for (let round = 0; round < roundCount; round++) {
    ours.push(run('ours', process.execPath, ['--import', 'tsx', place('ingest-rows.ts'), file], log));
    if (withPeers) peer.push(run('peer', peerPython(), [peerFile('ingest.py'), file], log));
  }
  const ratios = peer.map(({ wallMs }, i) => wallMs / (ours[i]?.wallMs ?? NaN));
  return {
    ...{ rowCount, roundCount },
    ours: figures(ours),
    ...(withPeers && { peer: figures(peer), timesPeer: rounded(median(ratios)) }),
  };
}

function figures(runs: readonly Run[]) {
  const wallMs = median(runs.map((each) => each.wallMs));
  return {
    wallMs: rounded(wallMs),
    rowsPerSecond: rounded(rowCount / (wallMs / 1000)),
    processorMs: rounded(median(runs.map((each) => each.processorMs))),
    residentMebibytesMax: rounded(Math.max(...runs.map((each) => each.residentMebibytesMax))),
  };
}

const place = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Runs one side with a new folder, so that nothing is stored already. */
function run(name: string, command: string, args: readonly string[], log: (line: string) => void): Run {
  const folder = mkdtempSync(path.join(tmpdir(), 'mtrl-bench-ingest-'));
  try {
    // The same setting as infra/stack/workers.ts gives a worker.
    const env = { UV_THREADPOOL_SIZE: String(availableParallelism()), ...process.env };
    const { stdout, status } = spawnSync(command, [...args, folder], { stdio: ['ignore', 'pipe', 'inherit'], env });
    if (status !== 0) throw new Error(`${name} ended with ${String(status)}`);
    const result = JSON.parse(stdout.toString().trim().split('\n').at(-1) ?? '') as Run;
    if (result.imageCount !== rowCount) throw new Error(`${name} stored ${result.imageCount} images`);
    log(
      `${name}: ${rounded(result.wallMs)} ms, ${rounded(result.processorMs)} ms of processors, ${rounded(result.residentMebibytesMax)} MiB resident`,
    );
    return result;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Path of the parquet file, written once and kept in the user's cache. */
async function parquetFile(log: (line: string) => void): Promise<string> {
  const file = path.join(cacheRoot(), 'bench', `images-${rowCount}-${width}x${height}.parquet`);
  if (existsSync(file)) return file;
  log(`making ${file}`);
  mkdirSync(path.dirname(file), { recursive: true });
  const images: Uint8Array[] = [];
  for (let i = 0; i < rowCount; i += 8) {
    images.push(...(await Promise.all(Array.from({ length: Math.min(8, rowCount - i) }, (_, k) => picture(i + k)))));
  }
  const column = (name: string, data: unknown[], type: 'STRING' | 'BYTE_ARRAY') => ({ name, data, type });
  const partial = `${file}.partial`;
  parquetWriteFile({
    filename: partial,
    columnData: [
      column(
        'id',
        images.map((_, i) => `row-${i}`),
        'STRING',
      ),
      column(
        'label',
        images.map((_, i) => (i % 2 === 0 ? 'yes' : 'no')),
        'STRING',
      ),
      column('image', images, 'BYTE_ARRAY'),
    ],
    rowGroupSize,
  });
  renameSync(partial, file);
  return file;
}

/** A picture of soft shapes with some grain, like a photograph. */
function picture(index: number): Promise<Buffer> {
  const rng = new Rng('bench-images', 0, index);
  const [w, h] = [width / 8, height / 8];
  const pixels = Uint8Array.from({ length: w * h * 3 }, () => rng.integer(0, 256));
  return sharp(pixels, { raw: { width: w, height: h, channels: 3 } })
    .resize(width, height)
    .jpeg()
    .toBuffer();
}
