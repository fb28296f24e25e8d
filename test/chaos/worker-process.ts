/** A worker that is started again whenever it ends, as a supervisor does, and can be killed or suspended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot } from '../../core/project.ts';

export interface WorkerSpec {
  readonly name: 'control' | 'compute';
  /** Folder of the compiled project. */
  readonly build: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A supervisor waits before it starts a program that has just ended. */
const restartMs = 200;

export class WorkerProcess {
  readonly #spec: WorkerSpec;
  #child: ChildProcess;
  #stopping = false;

  constructor(spec: WorkerSpec) {
    this.#spec = spec;
    this.#child = this.#start();
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

  /** Kills a process that the worker has started (an engine); false if it has none. */
  killChild(): boolean {
    const [child] = childrenOf(this.#child.pid);
    if (child === undefined) return false;
    process.kill(child, 'SIGKILL');
    return true;
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
    const { name, build, env } = this.#spec;
    const child = spawn(process.execPath, [join(build, 'workers', `${name}.js`)], {
      cwd: projectRoot,
      env,
      stdio: 'ignore',
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
