/** SkyRL's Tinker server with a tiny random Qwen3, by test/tinker-server.sh; it can be killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot } from '../../core/project.ts';

const port = 8765;

export class SkyrlServer {
  readonly url = `http://127.0.0.1:${String(port)}`;
  readonly #log: WriteStream;
  #process: ChildProcess | undefined;

  /** @param logFile of what it prints */
  constructor(logFile: string) {
    this.#log = createWriteStream(logFile);
  }

  /** @param isFresh without the database and saves of earlier runs; installing it the first time takes minutes */
  async start({ isFresh }: { readonly isFresh: boolean }): Promise<void> {
    const child = spawn('bash', [`${projectRoot}/test/tinker-server.sh`], {
      // A group of its own: the server, its engine and `uv` are ended together.
      detached: true,
      env: { ...process.env, MTRL_TINKER_TEST_PORT: String(port), MTRL_TINKER_TEST_FRESH: isFresh ? '1' : '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) stream.pipe(this.#log, { end: false });
    while (!(await isHealthy(this.url))) {
      if (child.exitCode !== null) throw new Error(`the server ended with ${String(child.exitCode)}`);
      await sleep(1_000);
    }
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child?.pid === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }
}

async function isHealthy(url: string): Promise<boolean> {
  const response = await fetch(`${url}/api/v1/healthz`).catch(() => undefined);
  return response?.ok === true;
}
