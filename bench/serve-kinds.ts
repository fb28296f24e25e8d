/** Requests of many kinds, good and bad, as clients send them to `mtrl serve`, and how each kind must end. */
import { setTimeout as sleep } from 'node:timers/promises';
import pMap from 'p-map';
import sharp from 'sharp';
import { required } from '../core/assert.ts';
import { Rng } from '../core/rng.ts';
import type { Limits } from '../serve/limits.ts';
import { dataUri, judgeRow, worldRows } from '../test/serve/demo-server.ts';
import { type Answer, leaveInBody, send, type Sending } from './serve-client.ts';

/** A status; or that the client left; or that an answer with status 200 is not the one to the request. */
export type Outcome = number | 'no answer' | 'wrong answer' | 'left';

export interface Kind {
  /** How many of 100 requests. */
  readonly share: number;
  readonly expected: readonly Outcome[];
  /** Whether an answer with status 200 is a judgment of the id `mixed-i`, which the server records. */
  readonly isRecorded?: true;
  readonly send: (i: number) => Promise<Outcome>;
}

export interface Target {
  readonly address: string;
  readonly token: string;
  readonly limits: Pick<Limits, 'bodyByteLengthMax' | 'pixelCountMax'>;
}

export interface Ended {
  readonly id: string;
  readonly kind: string;
  readonly outcome: Outcome;
  readonly isExpected: boolean;
  readonly isRecorded: boolean;
}

/** Sends so many requests, of all kinds by their shares, in an order that looks random and is always the same. */
export async function sendMixed(
  kinds: Readonly<Record<string, Kind>>,
  { requestCount, concurrency }: { readonly requestCount: number; readonly concurrency: number },
  onEnd: () => void = () => undefined,
): Promise<Ended[]> {
  const names = Object.entries(kinds).flatMap(([name, { share }]) => Array.from({ length: share }, () => name));
  const order = Array.from({ length: Math.ceil(requestCount / names.length) }, (_, block) =>
    new Rng('serve-mixed', block).shuffle([...names]),
  );
  const one = async (kind: string, i: number): Promise<Ended> => {
    const { expected, isRecorded = false, send: sendOne } = required(kinds[kind], 'a kind of request');
    const outcome = await sendOne(i);
    onEnd();
    return {
      ...{ id: idOf(i), kind, outcome, isExpected: expected.includes(outcome) },
      isRecorded: isRecorded && outcome === 200,
    };
  };
  return pMap(order.flat().slice(0, requestCount), one, { concurrency });
}

const idOf = (i: number): string => `mixed-${String(i)}`;
const json = { 'content-type': 'application/json' };
const brokenPicture = 'data:image/png;base64,AAAA';

/** Equal rows must get equal answers, whatever is asked beside them and by whichever API. */
export async function kindsFor({ address, token, limits }: Target): Promise<Readonly<Record<string, Kind>>> {
  const headers = { ...json, authorization: `Bearer ${token}` };
  const rows = (await worldRows('safety', 16)).map(judgeRow);
  const pairs = (await worldRows('pair-alignment', 8)).map(judgeRow);
  const side = Math.ceil(Math.sqrt(limits.pixelCountMax)) + 1;
  const bomb = await sharp({ create: { width: side, height: side, channels: 3, background: 'teal' } })
    .png({ compressionLevel: 9 })
    .toBuffer();
  const [judge, chat] = [`${address}/v1/judge`, `${address}/v1/chat/completions`];
  const post = (url: string, body: object, more: Partial<Sending> = {}): Promise<Answer> =>
    send(url, { headers, body: [JSON.stringify(body)], ...more });
  const at = <T>(all: readonly T[], i: number): T => required(all[i % all.length], 'a row');
  // A field that the prompt does not use keeps requests from being found in the cache.
  const rowFor = (i: number, row = at(rows, i)) => ({ ...row, id: idOf(i), fields: { ...row.fields, n: i } });
  const judgment = (i: number) => ({ task: 'safety', ...rowFor(i) });
  const messages = (i: number) => {
    const [url = ''] = at(rows, i).images;
    const [before, after] = ['image', 'is it safe ? think'].map((text) => ({ type: 'text', text }));
    return [{ role: 'user', content: [before, { type: 'image_url', image_url: { url } }, after] }];
  };
  const completion = (i: number) => ({ model: 'demo', temperature: 0, messages: messages(i) });

  const said = new Map<string, string>();
  const isSame = (row: string, text: unknown): boolean => {
    const before = said.get(row);
    if (typeof text !== 'string' || (before !== undefined && before !== text)) return false;
    said.set(row, text);
    return true;
  };
  const statusOf = ({ status }: Answer): Outcome => status ?? 'no answer';
  const checked =
    (isRight: (body: Judged & Completion, i: number) => boolean) =>
    ({ status, text }: Answer, i: number): Outcome =>
      status !== 200 ? (status ?? 'no answer') : isRight(JSON.parse(text) as never, i) ? 200 : 'wrong answer';
  const judged = checked(({ id, answers }, i) => id === idOf(i) && isSame(at(rows, i).id, answers[0]));
  const hasId = checked(({ id }, i) => id === idOf(i));
  const batch = checked(({ data }, i) => data[0]?.id === idOf(i) && 'error' in (data[1] ?? {}));
  const completed = checked(({ choices }, i) => isSame(at(rows, i).id, choices[0]?.message?.content));
  const streamed = ({ status, text }: Answer, i: number): Outcome => {
    if (status !== 200) return status ?? 'no answer';
    const events = text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []));
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event) as Completion);
    const content = chunks.map(({ choices }) => choices[0]?.delta?.content ?? '').join('');
    return events.at(-1) === '[DONE]' && isSame(at(rows, i).id, content) ? 200 : 'wrong answer';
  };
  const leaving = async (i: number): Promise<Outcome> => {
    const leave = new AbortController();
    const timer = setTimeout(() => leave.abort(), ((i * 7) % 60) + 1);
    const { status } = await post(judge, judgment(i), { signal: leave.signal });
    clearTimeout(timer);
    return status ?? (leave.signal.aborted ? 'left' : 'no answer');
  };
  const refused = (share: number, status: number, body: (i: number) => object, url = judge): Kind => ({
    ...{ share, expected: [status], send: async (i) => statusOf(await post(url, body(i))) },
  });
  const raw = (share: number, status: number, sending: () => Partial<Sending>): Kind => ({
    ...{
      share,
      expected: [status],
      send: async () => statusOf(await send(judge, { headers, body: [], ...sending() })),
    },
  });
  const answered = (share: number, sendOne: Kind['send'], isRecorded = true): Kind => ({
    ...{ share, expected: [200], send: sendOne, ...(isRecorded && { isRecorded }) },
  });

  return {
    judgment: answered(26, async (i) => judged(await post(judge, judgment(i)), i)),
    'judgment in the cache': answered(8, async (i) => {
      return judged(await post(judge, { task: 'safety', ...at(rows, i), id: idOf(i) }), i);
    }),
    'pair in both orders': answered(4, async (i) => {
      return hasId(await post(judge, { task: 'pair-alignment', ...rowFor(i, at(pairs, i)) }), i);
    }),
    'constrained votes': answered(3, async (i) => {
      return hasId(
        await post(judge, { ...judgment(i), ...{ votes: 4, temperature: 1.5, seed: i, constrained: true } }),
        i,
      );
    }),
    'batch with a broken row': answered(4, async (i) => {
      const broken = { id: `broken-${String(i)}`, images: [brokenPicture] };
      return batch(await post(judge, { task: 'safety', rows: [rowFor(i), broken] }), i);
    }),
    'body that arrives slowly': answered(1, async (i) => {
      return judged(await send(judge, { headers, body: slowly(JSON.stringify(judgment(i))) }), i);
    }),
    completion: answered(12, async (i) => completed(await post(chat, completion(i)), i), false),
    stream: answered(5, async (i) => streamed(await post(chat, { ...completion(i), stream: true }), i), false),
    'client that leaves': { share: 5, expected: [200, 'left'], send: leaving },
    'client that leaves in its body': {
      ...{ share: 2, expected: ['left'] },
      send: async () => {
        await leaveInBody(
          address,
          '/v1/judge',
          Object.entries(headers)
            .map((each) => each.join(': '))
            .join('\r\n'),
        );
        return 'left';
      },
    },
    'malformed JSON': raw(5, 400, () => ({ body: ['{"task": "safety", "images": ['] })),
    'unknown member': refused(2, 400, (i) => ({ ...judgment(i), temprature: 1 })),
    'picture by address': refused(4, 400, (i) => ({ ...judgment(i), images: ['http://127.0.0.1:9/a.png'] })),
    'broken picture': refused(3, 400, (i) => ({ ...judgment(i), images: [brokenPicture] })),
    'unknown token': raw(4, 401, () => ({ headers: { ...json, authorization: 'Bearer mtrl_unknown' }, body: ['{}'] })),
    'unknown task': refused(3, 404, (i) => ({ ...judgment(i), task: 'safty' })),
    'unknown model': refused(3, 404, (i) => ({ ...completion(i), model: 'gpt-4' }), chat),
    'body that never ends': raw(1, 408, () => ({ headers: { ...headers, 'content-length': 1000 }, body: endless() })),
    'huge body, announced': raw(1, 413, () => {
      const byteLength = limits.bodyByteLengthMax + 1;
      return { headers: { ...headers, 'content-length': byteLength }, body: zeros(byteLength) };
    }),
    'huge body, in chunks': raw(1, 413, () => ({ body: zeros(limits.bodyByteLengthMax + 1) })),
    'picture bomb': refused(2, 413, (i) => ({ ...judgment(i), images: [dataUri(bomb)] })),
    'another content type': raw(1, 415, () => ({ headers: { ...headers, 'content-type': 'text/plain' }, body: ['a'] })),
  };
}

interface Judged {
  readonly id: string;
  readonly answers: readonly string[];
  readonly data: readonly { readonly id: string }[];
}

interface Completion {
  readonly choices: readonly {
    readonly message?: { readonly content: string };
    readonly delta?: { readonly content?: string };
  }[];
}

async function* slowly(text: string): AsyncGenerator<string> {
  const length = Math.ceil(text.length / 4);
  for (let from = 0; from < text.length; from += length) {
    yield text.slice(from, from + length);
    await sleep(50);
  }
}

/** A beginning, and then nothing for longer than any server waits. */
async function* endless(): AsyncGenerator<string> {
  yield '{"task":';
  await sleep(120_000, undefined, { ref: false });
}

function* zeros(byteLength: number): Generator<Uint8Array> {
  const part = new Uint8Array(1 << 16);
  for (let left = byteLength; left > 0; left -= part.length) yield part.subarray(0, Math.min(left, part.length));
}
