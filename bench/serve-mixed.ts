/**
 * `npm run bench -- serve --requests N`: so many requests of all kinds to a process of `mtrl serve` on the demo's base
 * checkpoint, and the resident memory of this process and of its compute process meanwhile. Each request must end as
 * its kind does, each judgment must be recorded once, and memory must be flat within 5 % after the first fifth.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { programAt } from '../core/program.ts';
import { projectRoot } from '../core/project.ts';
import { residentByteLength } from '../policy/engines/embedded/memory/memory-watch.ts';
import { defaultLimits } from '../serve/limits.ts';
import { Tokens } from '../serve/tokens.ts';
import { type Ended, kindsFor, sendMixed } from './serve-kinds.ts';
import { median, rounded } from './statistics.ts';

const concurrency = 32;
const sampleEveryMs = 250;

interface Sample {
  readonly endedCount: number;
  readonly server: number;
  readonly compute: number;
}

export async function mixedRequests(log: (line: string) => void, requestCount: number) {
  const home = mkdtempSync(join(tmpdir(), 'mtrl-bench-serve-'));
  const token = await new Tokens(join(home, 'serve', 'tokens')).add('bench', new Date().toISOString());
  const server = started(home);
  const samples: Sample[] = [];
  let endedCount = 0;
  const sampler = setInterval(() => {
    const [pid = 0] = [server.pid];
    const [compute = 0] = childrenOf(pid);
    samples.push({ endedCount, server: residentByteLength(pid) ?? NaN, compute: residentByteLength(compute) ?? NaN });
  }, sampleEveryMs);
  try {
    const address = await addressOf(server);
    const kinds = await kindsFor({ address, token, limits: defaultLimits });
    const startedAtMs = performance.now();
    const ended = await sendMixed(kinds, { requestCount, concurrency }, () => {
      endedCount++;
      if (endedCount % 500 === 0) log(`${String(endedCount)} of ${String(requestCount)} requests have ended`);
    });
    const wallMs = performance.now() - startedAtMs;
    const metrics = await (await fetch(`${address}/metrics`)).text();
    const inFlightCount = Number(/^mtrl_serve_requests_in_flight (\d+)$/m.exec(metrics)?.[1] ?? NaN);
    server.kill('SIGTERM');
    const [exitCode] = (await once(server, 'exit')) as [number | null];
    return {
      ...{ requestCount, concurrency, wallMs: rounded(wallMs), requestsPerS: rounded(requestCount / (wallMs / 1000)) },
      unexpected: ended.filter(({ isExpected }) => !isExpected).map(({ id, kind, outcome }) => ({ id, kind, outcome })),
      outcomes: outcomesOf(ended),
      ...{ records: await recordsOf(join(home, 'serve', 'audit', 'judgments'), ended), inFlightCount, exitCode },
      memory: {
        server: flatness(samples, requestCount, ({ server: byteLength }) => byteLength),
        compute: flatness(samples, requestCount, ({ compute }) => compute),
      },
    };
  } finally {
    clearInterval(sampler);
    server.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  }
}

function started(home: string): ChildProcess {
  const { path, execArgv } = programAt(new URL('../cli/main.ts', import.meta.url));
  const policy = join(projectRoot, 'recipes', 'demo-base');
  const args = [...execArgv, path, 'serve', '--policy', policy, '--name', 'demo', '--port', '0'];
  return spawn(process.execPath, args, {
    env: { ...process.env, MTRL_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** The first line that the server prints, without its path. */
async function addressOf({ stdout }: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: stdout as NodeJS.ReadableStream })) return new URL(line).origin;
  throw new Error('the server ended before it listened');
}

/** Processes that the process has started; on systems other than Linux none. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8')
      .trim()
      .split(' ')
      .map(Number);
  } catch {
    return [];
  }
}

function outcomesOf(ended: readonly Ended[]): Record<string, Record<string, number>> {
  const counts: Record<string, Record<string, number>> = {};
  for (const { kind, outcome } of ended) {
    const own = (counts[kind] ??= {});
    own[outcome] = (own[outcome] ?? 0) + 1;
  }
  return counts;
}

/** Judgments that were answered must be recorded once, and none twice. */
async function recordsOf(folder: string, ended: readonly Ended[]) {
  const counts = new Map<string, number>();
  for (const file of await readdir(folder))
    for (const line of (await readFile(join(folder, file), 'utf8')).trim().split('\n')) {
      const { id } = JSON.parse(line) as { id: string };
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  const answered = ended.filter(({ isRecorded }) => isRecorded);
  return {
    answeredCount: answered.length,
    missingCount: answered.filter(({ id }) => !counts.has(id)).length,
    repeatedCount: [...counts.values()].filter((count) => count > 1).length,
  };
}

/** Medians of the second fifth of the requests and of the last. */
function flatness(samples: readonly Sample[], requestCount: number, of: (sample: Sample) => number) {
  const between = (from: number, to: number): number => {
    const own = samples.filter(({ endedCount }) => endedCount >= from * requestCount && endedCount < to * requestCount);
    return own.length === 0 ? NaN : median(own.map(of)) / 2 ** 20;
  };
  const [warmMebibytes, lastMebibytes] = [between(0.2, 0.4), between(0.8, 1)];
  const growthPercent = 100 * (lastMebibytes / warmMebibytes - 1);
  const [warm, last, growth] = [warmMebibytes, lastMebibytes, growthPercent].map(rounded);
  return { warmMebibytes: warm, lastMebibytes: last, growthPercent: growth, isFlat: Math.abs(growthPercent) <= 5 };
}
