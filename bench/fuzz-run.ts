/** Fuzzes one reader in processes of its own: one that crashes or hangs is ended, and the next goes on after its input. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Outcome } from '../test/fuzz/fuzz-target.ts';
import type { FuzzTargetName } from '../test/fuzz/target-table.ts';

export type JournalLine =
  | { readonly seed: number; readonly outcome?: never }
  | {
      readonly seed: number;
      readonly outcome: Outcome;
      readonly ms: number;
      readonly peakByteLength: number;
      readonly characterCount: number;
    };

export interface Finding {
  readonly seed: number;
  /** What the reader threw, or how its process ended. */
  readonly error: string;
  /** The smallest input that does the same, where it was found. */
  readonly smallest?: string;
}

export interface FuzzResult {
  readonly runCount: number;
  readonly acceptedCount: number;
  /** Number of inputs by code. */
  readonly refused: Readonly<Record<string, number>>;
  readonly crashes: readonly Finding[];
  readonly hangs: readonly Finding[];
  readonly peakByteLength: number;
  /** Characters of code that the inputs reached (test/fuzz/block-coverage.ts); of several processes, the most by one. */
  readonly characterCount: number;
  readonly slowestMs: number;
  readonly slowestSeed: number;
}

export interface FuzzOptions {
  readonly firstSeed: number;
  readonly runCount: number;
  /** Whether inputs are chosen by coverage (test/fuzz/guided.ts). */
  readonly isGuided: boolean;
  /** An input that takes this long hangs. */
  readonly hangMs: number;
  /** Processes are started again at most this often. */
  readonly restartCountMax: number;
}

/** Of the heap of a process: an input of some kilobytes needs far less. */
const heapMegabyteMax = 1_024;
const lookMs = 500;
const program = fileURLToPath(new URL('fuzz-process.ts', import.meta.url));

export async function fuzz(name: FuzzTargetName, options: FuzzOptions): Promise<FuzzResult> {
  const { firstSeed, runCount, restartCountMax } = options;
  const folder = mkdtempSync(join(tmpdir(), 'mtrl-fuzz-journal-'));
  const journal = join(folder, 'journal');
  const ended: Finding[] = [];
  const hangs: Finding[] = [];
  try {
    for (let next = firstSeed, starts = 0; next < firstSeed + runCount; starts++) {
      const end = await endOf(name, next, firstSeed + runCount - next, journal, options);
      if (end === undefined) break;
      const last = linesOf(journal).at(-1);
      const seed = last === undefined || last.outcome !== undefined ? next : last.seed;
      (end.isHang ? hangs : ended).push({ seed, error: end.reason });
      if (starts === restartCountMax) break;
      next = seed + 1;
    }
    return resultOf(linesOf(journal), ended, hangs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How the process ended before its last input; undefined if it did not. */
async function endOf(
  name: FuzzTargetName,
  firstSeed: number,
  count: number,
  journal: string,
  { hangMs, isGuided }: FuzzOptions,
): Promise<{ readonly reason: string; readonly isHang: boolean } | undefined> {
  const args = [...process.execArgv, `--max-old-space-size=${String(heapMegabyteMax)}`, program];
  const child = spawn(
    process.execPath,
    [...args, name, String(firstSeed), String(count), journal, isGuided ? 'guided' : 'blind'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const errors: Buffer[] = [];
  child.stderr.on('data', (bytes: Buffer) => errors.push(bytes));
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const isHang = await hangs(child, exit, journal, hangMs);
  if (isHang) child.kill('SIGKILL');
  const [code, signal] = await exit;
  if (isHang) return { reason: `no outcome after ${String(hangMs / 1000)} s`, isHang };
  if (code === 0) return undefined;
  const said = Buffer.concat(errors).toString().slice(-2_000);
  return { reason: `the process ended with ${signal ?? String(code)}: ${said}`, isHang };
}

/** Whether the journal stays as it is for `hangMs` while the process runs. */
async function hangs(child: ChildProcess, exit: Promise<unknown>, journal: string, hangMs: number): Promise<boolean> {
  let length = -1;
  let unchangedMs = 0;
  const over = exit.then(() => true);
  for (;;) {
    if (await Promise.race([over, sleep(lookMs, false)])) return false;
    const now = linesOf(journal).length;
    unchangedMs = now === length ? unchangedMs + lookMs : 0;
    length = now;
    if (unchangedMs >= hangMs && child.exitCode === null) return true;
  }
}

function linesOf(journal: string): JournalLine[] {
  // The process makes it.
  if (!existsSync(journal)) return [];
  const text = readFileSync(journal, 'utf8');
  // The last line may be half written.
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JournalLine);
}

function resultOf(lines: readonly JournalLine[], ended: readonly Finding[], hangs: readonly Finding[]): FuzzResult {
  const done = lines.flatMap((line) => (line.outcome === undefined ? [] : [line]));
  const refused: Record<string, number> = {};
  const crashes: Finding[] = [...ended];
  let acceptedCount = 0;
  for (const { seed, outcome } of done) {
    if (outcome.kind === 'accepted') acceptedCount++;
    else if (outcome.kind === 'refused') refused[outcome.code] = (refused[outcome.code] ?? 0) + 1;
    else crashes.push({ seed, error: outcome.error, smallest: outcome.smallest });
  }
  const slowest = done.reduce((a, b) => (b.ms > a.ms ? b : a), { ms: 0, seed: -1 });
  return {
    runCount: done.length + ended.length + hangs.length,
    acceptedCount,
    refused,
    crashes,
    hangs,
    peakByteLength: maximumOf(done, 'peakByteLength'),
    characterCount: maximumOf(done, 'characterCount'),
    slowestMs: slowest.ms,
    slowestSeed: slowest.seed,
  };
}

function maximumOf<K extends string>(lines: readonly Readonly<Record<K, number>>[], field: K): number {
  return lines.reduce((largest, line) => Math.max(largest, line[field]), 0);
}
