/** The chunks of a stream: each choice whole in the end, and nothing sent that a later token could change. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { SampleRequest } from '../../policy/engine.ts';
import { createApp } from '../../serve/app.ts';
import { AuditLog } from '../../serve/audit-log.ts';
import { ChatStream } from '../../serve/chat/chat-stream.ts';
import type { ChatChoice, Completed } from '../../serve/chat/complete.ts';
import { Access } from '../../serve/http/access.ts';
import { InFlight } from '../../serve/http/in-flight.ts';
import { ServeMetrics } from '../../serve/http/metrics.ts';
import { defaultLimits } from '../../serve/limits.ts';
import type { ServedPolicy } from '../../serve/policies/served-policy.ts';
import { Tokens } from '../../serve/tokens.ts';
import { demo } from './demo-server.ts';

const head = { id: 'chatcmpl-1', created: 0, model: 'demo', system_fingerprint: 'f' };
interface Chunk {
  readonly choices: readonly {
    readonly index: number;
    readonly delta: { readonly role?: string; readonly content?: string };
    readonly finish_reason: string | null;
    readonly logprobs: { readonly content: readonly { readonly token: string }[] } | null;
  }[];
  readonly usage?: { readonly completion_tokens: number } | null;
}

function answer(choices: readonly ChatChoice[], isWhole: boolean): Completed {
  return { choices, promptTokenCount: 5, completionTokenCount: 7, isWhole };
}

const going = (text: string): ChatChoice => ({ text, finishReason: 'length' });
const ended = (text: string): ChatChoice => ({ text, finishReason: 'stop' });

/** The chunks of each answer, as `[index, text, finish reason]`. */
function sent(answers: readonly Completed[], options: ConstructorParameters<typeof ChatStream>[1] = {}) {
  const stream = new ChatStream(head, options);
  return answers.map((each) =>
    ([...stream.next(each)] as Chunk[]).flatMap(({ choices }) =>
      choices.flatMap(({ index, delta, finish_reason: end }) =>
        delta.role === undefined ? [[index, delta.content ?? '', end]] : [],
      ),
    ),
  );
}

it('sends what each answer adds, and the end of a choice once', () => {
  const first = answer([going('a b'), ended('no')], false);
  const last = answer([ended('a b c'), ended('no')], true);
  expect(sent([first, last])).toEqual([
    [
      [0, 'a b', null],
      [1, 'no', null],
      [1, '', 'stop'],
    ],
    [
      [0, ' c', null],
      [0, '', 'stop'],
    ],
  ]);
});

it('holds back a character of which bytes are missing, and what may be the beginning of a stop sequence', () => {
  const parts = ['caf\ufffd\ufffd', 'caf\u00e9 and EN', 'caf\u00e9 and ENTRY'];
  const answers = parts.map((text, i) => answer([i === 2 ? ended(text) : going(text)], i === 2));
  const texts = (stop?: string) => sent(answers, { stop }).map((chunks) => chunks.map(([, text]) => text).join(''));
  expect(texts()).toEqual(['caf', '\u00e9 and EN', 'TRY']);
  expect(texts('END')).toEqual(['caf', '\u00e9 and ', 'ENTRY']);
});

it('gives each log-prob with the text of its token, and the usage at the end', () => {
  const token = (text: string) => ({ text, logProb: -1 });
  const first = answer([{ ...going('a EN'), tokens: [token('a'), token(' E'), token('N')] }], false);
  const last = answer([{ ...ended('a ENTRY'), tokens: [token('a'), token(' E'), token('N'), token('TRY')] }], true);
  const stream = new ChatStream(head, { stop: 'END', stream_options: { include_usage: true } });
  const chunks = [first, last].map((each) => [...stream.next(each)] as Chunk[]);
  const tokens = chunks.map((of) =>
    of.flatMap(({ choices }) => choices.flatMap(({ logprobs }) => logprobs?.content.map((one) => one.token) ?? [])),
  );
  expect(tokens).toEqual([['a'], [' E', 'N', 'TRY']]);
  expect(chunks.flat().map(({ usage }) => usage?.completion_tokens)).toEqual([
    ...Array<undefined>(chunks.flat().length - 1).fill(undefined),
    7,
  ]);
});

it('an answer that does not begin with the one before it is an error, and never a wrong text', () => {
  expect(() => sent([answer([going('a b')], false), answer([ended('a c')], true)])).toThrow('begins with');
});

describe('a stream over HTTP, and an engine that is made up', () => {
  /** Says 0 1 2 ... without end; `fail` is asked before each call. */
  async function serving(fail: (tokenCount: number, signal: AbortSignal) => Promise<void>) {
    const folder = await mkdtemp(join(tmpdir(), 'mtrl-stream-'));
    const asked: number[] = [];
    const processor = {
      ...{ positionCountMax: 1_000, stopTokenId: -1, padTokenId: -1, bannedTokenIds: [] },
      deferPrompt: () => Promise.resolve({ tokenIds: [1, 2, 3], images: [], pixels: () => Promise.resolve([]) }),
      decodeCompletion: (ids: readonly number[]) => ids.map((id) => `${String(id)} `).join(''),
    };
    const sample =
      (signal: AbortSignal) =>
      async ({ sampling: { tokenCountMax } }: SampleRequest) => {
        asked.push(tokenCountMax);
        await fail(tokenCountMax, signal);
        const tokenIds = Array.from({ length: tokenCountMax }, (_, i) => i);
        return { groups: [[{ tokenIds, logProbs: tokenIds.map(() => -1), finishReason: 'length' }]] };
      };
    const served = {
      ...{ name: 'demo', recipe: demo.parsed, mode: 'think', checkpoint: { sha256: 'f' }, loaded: { processor } },
      engine: (signal: AbortSignal) => ({ sample: sample(signal) }),
    } as unknown as ServedPolicy;
    const inFlight = new InFlight(defaultLimits);
    const app = createApp({
      ...{ served: () => served, limits: defaultLimits, access: new Access(new Tokens(join(folder, 'tokens'))) },
      ...{ pictureHosts: [], inFlight, audit: new AuditLog(folder), log: pino({ enabled: false }) },
      metrics: new ServeMetrics({ inFlightCount: () => inFlight.count, waitingCount: () => 0 }),
    });
    const listener = getRequestListener(app.fetch);
    const server = createServer((request, response) => void listener(request, response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const ask = (stream: boolean, signal: AbortSignal | null = null) =>
      fetch(`http://127.0.0.1:${String(port)}/v1/chat/completions`, {
        ...{ method: 'POST', headers: { 'content-type': 'application/json' }, signal },
        body: JSON.stringify({
          model: 'demo',
          messages: [{ role: 'user', content: 'count' }],
          max_tokens: 200,
          stream,
        }),
      });
    const records = async () => {
      const text = await readFile(join(folder, 'chat.jsonl'), 'utf8').catch(() => '');
      return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Completed]));
    };
    const close = async () => {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    };
    return { ask, asked, inFlight, records, close };
  }

  const eventsIn = (body: string) =>
    body.split('\n\n').flatMap((event) => (event.startsWith('data: ') ? [event.slice('data: '.length)] : []));
  const textIn = (events: readonly string[]) =>
    events
      .flatMap((event) => (event.startsWith('{') ? (JSON.parse(event) as Chunk).choices : []))
      .map(({ delta }) => delta.content)
      .join('');

  it('asks for few tokens and then for more, and says in the end what it says without a stream', async () => {
    const { ask, asked, records, close } = await serving(() => Promise.resolve());
    const whole = (await (await ask(false)).json()) as { choices: { message: { content: string } }[] };
    const events = eventsIn(await (await ask(true)).text());
    expect(asked).toEqual([200, 32, 128, 200]);
    expect([textIn(events), events.at(-1)]).toEqual([whole.choices[0]?.message.content, '[DONE]']);
    expect(await records()).toMatchObject([{ isWhole: true }, { isWhole: true, completionTokenCount: 200 }]);
    await close();
  });

  it('gives up the rest when the client leaves, and records what it has read', async () => {
    const client = new AbortController();
    const abandoned: unknown[] = [];
    const { ask, asked, inFlight, records, close } = await serving(async (tokenCount, signal) => {
      if (tokenCount === 32) return;
      await new Promise<void>((_, reject) => {
        signal.addEventListener('abort', () => {
          abandoned.push(signal.reason);
          reject(signal.reason as Error);
        });
      });
    });
    const reader = (await ask(true, client.signal)).body?.getReader();
    let read = '';
    while (!read.includes('31 ')) read += Buffer.from((await reader?.read())?.value ?? []).toString();
    await expect.poll(() => asked).toEqual([32, 128]);
    expect(inFlight.count).toBe(1);
    client.abort();
    await expect.poll(() => inFlight.count).toBe(0);
    expect(abandoned).toHaveLength(1);
    expect(await records()).toMatchObject([{ isWhole: false, completionTokenCount: 32 }]);
    await close();
  });

  it('ends with the error if the engine fails after it has begun', async () => {
    const { ask, close } = await serving((tokenCount) =>
      tokenCount === 32 ? Promise.resolve() : Promise.reject(new Error('broken')),
    );
    const response = await ask(true);
    const events = eventsIn(await response.text());
    expect([response.status, JSON.parse(events.at(-1) ?? '')]).toMatchObject([
      200,
      { error: { type: 'server_error' } },
    ]);
    await close();
  });
});
