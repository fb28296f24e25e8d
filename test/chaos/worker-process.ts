/** A worker that is started again whenever it ends, as a supervisor does, and can be killed or suspended. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { projectRoot } from '../../core/project.ts';
import type { WorkerName } from '../../infra/stack/workers.ts';

export interface WorkerSpec {
  readonly name: WorkerName;
  /** Folder of the compiled project. */
  readonly build: string;
  readonly env: NodeJS.ProcessEnv;
  /** File that says how far its clock is off (moved-clock.mjs); outside of any disk that may be full. */
  readonly clockFile: string;
}

/** A supervisor waits before it starts a program that has just ended. */
const restartMs = 200;
const pageByteLength = 4096;
const lastWordsLengthMax = 2_000;
const movedClock = pathToFileURL(join(projectRoot, 'test', 'chaos', 'moved-clock.mjs')).href;

export class WorkerProcess {
  readonly #spec: WorkerSpec;
  #child: ChildProcess;
  #stopping = false;
  #lastWords = '';

  constructor(spec: WorkerSpec) {
    this.#spec = spec;
    this.moveClock(0);
    this.#child = this.#start();
  }

  /** The end of what it has printed as errors, over all its starts. */
  get lastWords(): string {
    return this.#lastWords;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  suspend(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** Sets its wall clock this far from the true time. */
  moveClock(offsetMs: number): void {
    writeFileSync(this.#spec.clockFile, String(offsetMs));
  }

  /** Kills a process that the worker has started (an engine); undefined if it has none. */
  killChild(): true | undefined {
    const [child] = childrenOf(this.#child.pid);
    if (child === undefined) return undefined;
    process.kill(child, 'SIGKILL');
    return true;
  }

  /**
   * The address space of a process that the worker has started grows no more. Returns what lifts the limit; undefined
   * if there is no such process.
   */
  holdChildMemory(): (() => void) | undefined {
    const [child] = childrenOf(this.#child.pid);
    const pageCount = child === undefined ? undefined : addressPagesOf(child);
    if (child === undefined || pageCount === undefined) return undefined;
    const limit = (bytes: string) => {
      execFileSync('prlimit', ['--pid', String(child), `--as=${bytes}:`], { stdio: 'pipe' });
    };
    limit(String(pageCount * pageByteLength));
    return () => {
      if (addressPagesOf(child) !== undefined) limit('unlimited');
    };
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.resume();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const children = childrenOf(this.#child.pid);
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
    for (const child of children) {
      try {
        process.kill(child, 'SIGKILL');
      } catch {
        // It has noticed by itself.
      }
    }
  }

  #start(): ChildProcess {
    const { name, build, env, clockFile } = this.#spec;
    const child = spawn(process.execPath, [join(build, 'workers', `${name}.js`)], {
      cwd: projectRoot,
      env: { ...env, NODE_OPTIONS: `${env['NODE_OPTIONS'] ?? ''} --import ${movedClock}`, MTRL_CHAOS_CLOCK: clockFile },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-lastWordsLengthMax);
    });
    child.on('exit', () => void this.#startAgain());
    return child;
  }

  async #startAgain(): Promise<void> {
    if (!this.#stopping) await sleep(restartMs);
    if (!this.#stopping) this.#child = this.#start();
  }
}

/** Process ids of the children, from /proc. */
function childrenOf(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const stat = readFileSync(join('/proc', entry, 'stat'), 'utf8');
      const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(parent) === pid ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}

/** Pages of address space of a process; undefined if it is gone. */
function addressPagesOf(pid: number): number | undefined {
  try {
    return Number(readFileSync(join('/proc', String(pid), 'statm'), 'utf8').split(' ')[0]);
  } catch {
    return undefined;
  }
}
