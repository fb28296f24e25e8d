/** Runs a program of the kit in a process of its own, until its time is over. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Json } from '../../core/json.ts';
import { programAt } from '../../core/program.ts';
import { projectRoot } from '../../core/project.ts';

export interface Ran {
  /** What it printed: JSON, a value a line. */
  readonly lines: readonly Json[];
  readonly end: 'done' | 'failed' | 'stopped';
  /** Why it did not end by itself, or what it said last. */
  readonly reason: string;
  readonly seconds: number;
}

/**
 * A process that is stopped takes its own children with it. Lines that are not JSON are those of native libraries and
 * drivers: they count as its last words.
 */
export async function runProgram(
  program: URL,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  limitMs: number,
): Promise<Ran> {
  const { path, execArgv } = programAt(program);
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, [...execArgv, path, ...args], {
    cwd: projectRoot,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const stop = (): void => {
    stopGroup(child.pid);
  };
  process.once('exit', stop);
  const over = new AbortController();
  over.signal.addEventListener('abort', stop);
  const timer = setTimeout(() => {
    over.abort();
  }, limitMs);
  const lines: Json[] = [];
  let words = '';
  const say = (text: string): void => {
    words = (words + text).slice(-2_000);
  };
  child.stderr.on('data', (chunk: Buffer) => {
    say(chunk.toString());
  });
  const reading = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      const value = parsed(line);
      if (value === undefined) say(`${line}\n`);
      else lines.push(value);
    }
  })();
  const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('error', (error) => {
      say(error.message);
      resolve({ code: 1, signal: null });
    });
    child.once('exit', (code, signal) => {
      resolve({ code, signal });
    });
  });
  clearTimeout(timer);
  // Its children hold its output open.
  stop();
  process.off('exit', stop);
  await reading;
  const seconds = Math.round((performance.now() - startedAtMs) / 100) / 10;
  if (over.signal.aborted) return { lines, end: 'stopped', reason: `stopped after ${seconds.toFixed(0)} s`, seconds };
  const said = words.trim();
  if (code === 0) return { lines, end: 'done', reason: '', seconds };
  const end = signal === null ? `ended with ${String(code)}` : `was killed by ${signal}`;
  return { lines, end: 'failed', reason: `its process ${end}${said === '' ? '' : `: ${lastLine(said)}`}`, seconds };
}

function stopGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has ended.
  }
}

function parsed(line: string): Json | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Json;
  } catch {
    return undefined;
  }
}

/** The line that names the error, if there is one. */
function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !/^\s+at /.test(line));
  return (lines.find((line) => /^\w*(Error|[A-Z]+_[A-Z]+):?/.test(line)) ?? lines.at(-1) ?? '').trim().slice(0, 300);
}
