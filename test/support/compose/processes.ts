/** Processes of services: started with an environment of their own, with a log, and stopped by a signal. */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export interface User {
  readonly uid: number;
  readonly gid: number;
}

export interface Command {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** File to which its output is added. */
  readonly log: string;
  readonly user?: User | undefined;
  /** Sent to its standard input. */
  readonly input?: string;
  /** After this it is killed. */
  readonly timeoutMs?: number;
  /** Kills it. */
  readonly signal?: AbortSignal;
}

export function startProcess(options: Command): ChildProcess {
  const { env, cwd, log, user, input = '', timeoutMs: timeout, signal } = options;
  const [program = '', ...args] = options.command;
  const child = spawn(program, args, { env, cwd, ...user, timeout, signal, killSignal: 'SIGKILL' });
  const write = (text: Buffer | string): void => {
    appendFileSync(log, text);
  };
  child.stdout.on('data', write);
  child.stderr.on('data', write);
  child.on('error', ({ message }) => {
    write(`${message}\n`);
  });
  child.stdin.on('error', () => undefined).end(input);
  return child;
}

/** Exit code, or signal, of a process once it has ended. */
export async function ended(child: ChildProcess): Promise<number | string> {
  const isOver = child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  // Not `once` of node:events, which rejects at the event of a child that its signal has killed.
  if (!isOver) await new Promise((resolve) => child.once('close', resolve));
  return child.exitCode ?? child.signalCode ?? 'not started';
}

/** Of a process that has ended; `out` and `err` are what it printed. */
export interface Ran {
  readonly code: number | string;
  readonly out: string;
  readonly err: string;
}

/** Runs to its end. */
export async function runProcess(command: Command): Promise<Ran> {
  const child = startProcess(command);
  let out = '';
  let err = '';
  child.stdout?.on('data', (part: Buffer) => (out += part.toString()));
  child.stderr?.on('data', (part: Buffer) => (err += part.toString()));
  return { code: await ended(child), out, err };
}

/** Sends the signal. Returns what the process ended with. */
export function stopProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<number | string> {
  child.kill(signal);
  return ended(child);
}

export function tailOf(log: string): string {
  return existsSync(log) ? readFileSync(log, 'utf8').slice(-2_000) : '(no output)';
}
