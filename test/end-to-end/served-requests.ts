/** `mtrl serve` on a test's own stack, and clients that ask it one request after the other. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { json as jsonOf } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { compiled } from '../support/compiled.ts';

export interface Judged {
  readonly id: string;
  readonly version: number;
  readonly policy: { readonly sha256: string };
}

export interface Answered {
  /** As it was asked. */
  readonly id: string;
  readonly status: number | undefined;
  readonly judged: Judged;
}

/** Between an answer and the next request of the same client. */
const pauseMs = 60;

export class ServeProcess {
  readonly #server: ChildProcess;
  readonly #home: string;
  readonly #address: string;

  private constructor(server: ChildProcess, home: string, address: string) {
    [this.#server, this.#home, this.#address] = [server, home, address];
  }

  /** Resolves once it accepts requests. */
  static async start(home: string, policy: string): Promise<ServeProcess> {
    const args = [compiled('cli/main.ts'), 'serve', '--policy', policy, '--port', '0'];
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], MTRL_HOME: home };
    const server = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: server.stdout }))
      return new ServeProcess(server, home, new URL(line).origin);
    throw new Error(`mtrl serve ended with ${String(server.exitCode)} before it listened`);
  }

  /**
   * The answers to one client, in order, each asked over the same connection until `isEnough`.
   *
   * @param bodyOf the body of its next request; `id` names it
   */
  async ask(
    bodyOf: () => { readonly id: string },
    isEnough: (last: Answered) => boolean,
  ): Promise<readonly Answered[]> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const answers: Answered[] = [];
    for (;;) {
      const answer = await asked(`${this.#address}/v1/judge`, agent, bodyOf());
      answers.push(answer);
      if (isEnough(answer)) break;
      await sleep(pauseMs);
    }
    agent.destroy();
    return answers;
  }

  /** What the server has recorded of a task. */
  async records(task: string): Promise<readonly Judged[]> {
    const file = join(this.#home, 'serve', 'audit', 'judgments', `${task}.jsonl`);
    return (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Judged);
  }

  /** The exit code after SIGTERM. */
  async stop(): Promise<number | null> {
    const exited = once(this.#server, 'exit');
    if (this.#server.kill('SIGTERM')) await exited;
    return this.#server.exitCode;
  }
}

/** Rejects if the connection ends without an answer. */
async function asked(url: string, agent: Agent, body: { readonly id: string }): Promise<Answered> {
  const headers = { 'content-type': 'application/json' };
  const request = httpRequest(url, { method: 'POST', agent, headers }).end(JSON.stringify(body));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { id: body.id, status: response.statusCode, judged: (await jsonOf(response)) as Judged };
}
