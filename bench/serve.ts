/**
 * `npm run bench -- serve`: requests to `mtrl serve` on the demo's base checkpoint, one at a time and 32 at a time, of
 * /v1/judge and of the chat API. Prints their rates, and what a request costs beside its engine calls. With
 * `--requests N`: so many good and bad requests instead (serve-mixed.ts).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pMap from 'p-map';
import { pino } from 'pino';
import { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../artifacts/store/folder-object-store.ts';
import { projectRoot } from '../core/project.ts';
import { readWorld } from '../judge/datasets/read-world.ts';
import type { JudgeWorldSpec } from '../recipes/recipe.ts';
import { loadRecipeFile } from '../recipes/load.ts';
import { startServer } from '../serve/server.ts';
import type { BenchOptions } from './main.ts';
import { mixedRequests } from './serve-mixed.ts';
import { quantile, rounded } from './statistics.ts';

const task = 'safety';
const pictureCount = 32;
const aloneCount = 48;
const togetherCount = 256;
const concurrency = 32;

export async function bench(log: (line: string) => void, { requestCount }: BenchOptions) {
  return requestCount === undefined ? measuredRates(log) : mixedRequests(log, requestCount);
}

async function measuredRates(log: (line: string) => void) {
  const folder = mkdtempSync(join(tmpdir(), 'mtrl-bench-serve-'));
  const recipe = loadRecipeFile(join(projectRoot, 'recipes', 'demo.yaml'), []).parsed;
  const server = await startServer({
    find: () => Promise.resolve({ name: 'demo', recipe, mode: 'think' }),
    ...{ mayChange: false, host: '127.0.0.1', port: 0, tokenFolder: join(folder, 'tokens'), pictureHosts: [] },
    store: new ArtifactStore(new FolderObjectStore(join(folder, 'store'))),
    ...{ log: pino({ enabled: false }), environment: process.env, spoolFolder: folder, engineCount: 1 },
  });
  try {
    const world = recipe.datasets.find((one): one is JudgeWorldSpec => one.reader === 'judge-world');
    const pictures = world === undefined ? [] : await picturesOf(world);
    const url = (i: number): string => pictures[i % pictures.length] ?? '';
    let count = 0;
    // A field that the prompt does not use keeps requests from being found in the cache.
    const judge = (i: number) => ({ task, images: [url(i)], fields: { n: count++ } });
    const words = [{ type: 'text', text: 'image' }, null, { type: 'text', text: 'is it safe ? think' }];
    const chat = (i: number) => ({
      ...{ model: 'demo', seed: count++ },
      messages: [
        { role: 'user', content: words.map((part) => part ?? { type: 'image_url', image_url: { url: url(i) } }) },
      ],
    });
    const measured = {
      judge: await rates(server.address, '/v1/judge', judge),
      chat: await rates(server.address, '/v1/chat/completions', chat),
    };
    for (const [name, { speedup, overheadMsP50 }] of Object.entries(measured))
      log(`${name}: ${speedup} times the rate with ${concurrency} at a time, ${overheadMsP50} ms beside the engine`);
    return { concurrency, ...measured };
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
  }
}

async function picturesOf(world: JudgeWorldSpec): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of readWorld({ ...world, tasks: [task], split: 'test', exampleCount: pictureCount, seed: 7 }))
    for (const { bytes } of batch.flatMap(({ images }) => images))
      found.push(`data:image/png;base64,${Buffer.from(bytes ?? []).toString('base64')}`);
  return found;
}

async function rates(address: string, path: string, bodyOf: (i: number) => object) {
  const ask = async (i: number): Promise<number> => {
    const body = JSON.stringify(bodyOf(i));
    const startedAtMs = performance.now();
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${address}${path}`, { method: 'POST', headers, body });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    await response.text();
    return performance.now() - startedAtMs;
  };
  const many = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  await pMap(many(concurrency), ask, { concurrency });
  const overheads: number[] = [];
  const alone: number[] = [];
  let processorMs = 0;
  for (const i of many(aloneCount)) {
    const before = await engineMs(address);
    const usedBefore = process.cpuUsage();
    const ms = await ask(i);
    const { user, system } = process.cpuUsage(usedBefore);
    processorMs += (user + system) / 1000;
    alone.push(ms);
    overheads.push(ms - ((await engineMs(address)) - before));
  }
  const startedAtMs = performance.now();
  const together = await pMap(many(togetherCount), ask, { concurrency });
  const togetherPerS = togetherCount / ((performance.now() - startedAtMs) / 1000);
  const alonePerS = aloneCount / (alone.reduce((sum, ms) => sum + ms, 0) / 1000);
  return {
    alonePerS: rounded(alonePerS),
    togetherPerS: rounded(togetherPerS),
    speedup: rounded(togetherPerS / alonePerS),
    aloneMsP50: rounded(quantile(alone, 0.5)),
    togetherMsP50: rounded(quantile(together, 0.5)),
    togetherMsP95: rounded(quantile(together, 0.95)),
    overheadMsP50: rounded(quantile(overheads, 0.5)),
    /** Processor time of a request in this process, server and client: the overhead on a machine that does nothing else. */
    overheadProcessorMs: rounded(processorMs / aloneCount),
  };
}

/** Time of all engine calls so far. */
async function engineMs(address: string): Promise<number> {
  const text = await (await fetch(`${address}/metrics`)).text();
  const [, seconds] = /^mtrl_serve_engine_call_duration_seconds_sum (\S+)$/m.exec(text) ?? [];
  return Number(seconds ?? NaN) * 1000;
}
