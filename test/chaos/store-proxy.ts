/**
 * An HTTP proxy in front of the store. Its count of requests is the clock of chaos plans, it keeps the history of
 * conditional writes, and it does to requests what a fault says.
 */
import { type IncomingMessage, createServer, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256 } from '../../core/json.ts';
import type { WorkerName } from '../../infra/stack/workers.ts';
import { type ObjectOperation, outcomeOf } from './object-history.ts';

/** What happens to one request. */
export type Mischief =
  /** 503 SlowDown, nothing is forwarded. */
  | 'unavailable'
  /** The connection is reset before anything is forwarded. */
  | 'reset'
  /** The store applies the request, and its answer is lost. */
  | 'lost-answer'
  /** A PUT reaches the store twice; the client gets the second answer. */
  | 'repeated'
  /** The body of an answer ends in the middle. */
  | 'truncated'
  /** The answer takes a second longer. */
  | 'slow';

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A request to the store. */
export interface Numbered {
  readonly number: number;
  readonly sender: WorkerName;
  /** Whether it writes an object (other than a lease). */
  readonly isWrite: boolean;
}

export interface StoreProxyHooks {
  /** Called for each request: before it is forwarded, and after the store has answered it. */
  readonly onRequest: (request: Numbered, side: 'before' | 'after') => Promise<void>;
}

const writing = new Set(['PUT', 'DELETE', 'POST']);
const slowMs = 1_000;

export class StoreProxy {
  readonly history: ObjectOperation[] = [];
  /** By sender. */
  readonly #servers: Readonly<Record<WorkerName, Server>>;
  readonly #target: URL;
  readonly #hooks: StoreProxyHooks;
  readonly #armed: Mischief[] = [];
  readonly #done = new Map<Mischief, number>();
  readonly #writeCounts = { control: 0, compute: 0 };
  #requestCount = 0;

  private constructor(target: URL, hooks: StoreProxyHooks) {
    this.#target = target;
    this.#hooks = hooks;
    const serverFor = (sender: WorkerName): Server =>
      createServer((asked, answer) => {
        // A client that was killed has closed its connection: nobody waits for the answer.
        asked.on('error', () => undefined);
        answer.on('error', () => undefined);
        this.#serve(sender, asked, answer).catch(() => asked.socket.destroy());
      });
    this.#servers = { control: serverFor('control'), compute: serverFor('compute') };
  }

  static async start(target: string, hooks: StoreProxyHooks): Promise<StoreProxy> {
    const proxy = new StoreProxy(new URL(target), hooks);
    for (const server of Object.values(proxy.#servers))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** Where a worker finds the store. */
  endpointFor(sender: WorkerName): string {
    return `http://127.0.0.1:${String((this.#servers[sender].address() as AddressInfo).port)}`;
  }

  get requestCount(): number {
    return this.#requestCount;
  }

  /** How many writes of a worker have reached the store, or of workers that do the same work. */
  writeCountOf(sender: WorkerName): number {
    return this.#writeCounts[sender];
  }

  /** How many requests have met the mischief. */
  countOf(mischief: Mischief): number {
    return this.#done.get(mischief) ?? 0;
  }

  /** The next `count` requests that can meet it do. */
  arm(mischief: Mischief, count: number): void {
    this.#armed.push(...Array.from({ length: count }, () => mischief));
  }

  /** Forgets what has not happened yet. */
  calm(): void {
    this.#armed.length = 0;
  }

  async stop(): Promise<void> {
    for (const server of Object.values(this.#servers)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  async #serve(sender: WorkerName, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await bytesOf(asked);
    const isWrite = writtenKey(asked)?.startsWith('leases/') === false;
    const numbered = { number: this.#requestCount++, sender, isWrite };
    await this.#hooks.onRequest(numbered, 'before');
    // The client was killed in the hook: its request did not reach the store.
    if (asked.socket.destroyed) return;
    const mischief = this.#mischiefFor(asked.method ?? 'GET');
    if (mischief === 'unavailable') {
      answer.writeHead(503, { 'content-type': 'application/xml' }).end(slowDown);
      return;
    }
    if (mischief === 'reset') {
      asked.socket.resetAndDestroy();
      return;
    }
    if (mischief === 'repeated') await this.#forward(asked, body);
    const { status, headers, body: answered } = await this.#forward(asked, body);
    if (isWrite) this.#writeCounts[sender]++;
    await this.#hooks.onRequest(numbered, 'after');
    if (mischief === 'lost-answer') {
      asked.socket.resetAndDestroy();
      return;
    }
    if (mischief === 'slow') await sleep(slowMs);
    answer.writeHead(status, headers);
    if (mischief === 'truncated') {
      answer.write(answered.subarray(0, Math.floor(answered.length / 2)), () => asked.socket.destroy());
      return;
    }
    answer.end(answered);
  }

  #mischiefFor(method: string): Mischief | undefined {
    const at = this.#armed.findIndex((mischief) => canMeet(mischief, method));
    if (at < 0) return undefined;
    const [mischief] = this.#armed.splice(at, 1);
    if (mischief !== undefined) this.#done.set(mischief, this.countOf(mischief) + 1);
    return mischief;
  }

  async #forward(asked: IncomingMessage, body: Buffer): Promise<Answer> {
    const { method = 'GET', headers, url: path = '/' } = asked;
    const from = performance.now();
    const { hostname, port } = this.#target;
    let answered: Answer | undefined;
    try {
      answered = await new Promise<Answer>((resolve, reject) => {
        const sent = request({ hostname, port, method, path, headers }, (response) => {
          bytesOf(response).then((bytes) => {
            resolve({ status: response.statusCode ?? 502, headers: response.headers, body: bytes });
          }, reject);
        });
        sent.on('error', reject);
        sent.end(body);
      });
      return answered;
    } finally {
      if (writing.has(method)) this.#record(asked, body, from, answered);
    }
  }

  #record(asked: IncomingMessage, body: Buffer, from: number, answered: Answer | undefined) {
    const { headers } = asked;
    const key = writtenKey(asked);
    if (key === undefined) return;
    const status = answered?.status;
    const outcome = outcomeOf(status);
    if (outcome === undefined) return;
    this.history.push({
      key,
      condition: headers['if-none-match'] !== undefined ? 'absent' : (headers['if-match'] ?? 'none'),
      digest: sha256(body),
      tag: answered?.headers.etag,
      outcome,
      from,
      to: performance.now(),
    });
  }
}

/** Key of the object that a request writes; undefined if it does not. */
function writtenKey({ method, headers, url = '/' }: IncomingMessage): string | undefined {
  const { pathname, search } = new URL(url, 'http://store');
  // Copies onto themselves only change an object's age; listings and deletions of many have no key.
  if (method !== 'PUT' || search !== '' || headers['x-amz-copy-source'] !== undefined) return undefined;
  return decodeURIComponent(pathname.split('/').slice(2).join('/'));
}

function canMeet(mischief: Mischief, method: string): boolean {
  if (mischief === 'truncated') return method === 'GET';
  if (mischief === 'repeated' || mischief === 'lost-answer') return method === 'PUT';
  return true;
}

async function bytesOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

const slowDown =
  '<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>';
