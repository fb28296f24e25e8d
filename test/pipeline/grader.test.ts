import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { toFailure } from '../../activities/failure.ts';
import { type GraderCalls, type GraderItem, graderScores } from '../../pipeline/training/grader.ts';
import { MtrlError } from '../../core/errors.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

interface Reply {
  readonly status?: number;
  readonly body?: string;
  readonly headers?: OutgoingHttpHeaders;
}
type Answer = (items: readonly GraderItem[], request: IncomingMessage) => Reply | undefined;

/** A grader on a free port; it never answers if `answer` returns undefined. */
async function graderAt(answer: Answer): Promise<string> {
  server = createServer((request, response) => {
    void text(request).then((body) => {
      const reply = answer((JSON.parse(body) as { judgments: GraderItem[] }).judgments, request);
      if (reply) response.writeHead(reply.status ?? 200, reply.headers).end(reply.body);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/grade`;
}

/** A grader whose test sends the answers. */
async function serve(handle: (response: ServerResponse, items: readonly GraderItem[]) => void): Promise<string> {
  server = createServer((request, response) => {
    void text(request).then((body) => {
      handle(response, (JSON.parse(body) as { judgments: GraderItem[] }).judgments);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/grade`;
}

const items = (count: number): GraderItem[] =>
  Array.from({ length: count }, (_, i) => ({
    ...{ exampleId: String(i), task: 'shows', fields: {}, label: 'yes', verdict: 'yes', rationale: 'a' },
  }));
/** Without caching and cancellation. */
const once: GraderCalls = { signal: new AbortController().signal, kept: (_, asked) => asked() };
const spec = (url: string, timeoutMs = 120_000) => ({ url, weight: 0.5, timeoutMs, requestCountMax: 2 });
const ask = async (answer: Answer, count = 2, timeoutMs?: number) =>
  graderScores(items(count), spec(await graderAt(answer), timeoutMs), once);
const failureOf = async (scores: Promise<unknown>): Promise<MtrlError> => {
  const error: unknown = await scores.catch((reason: unknown) => reason);
  if (error instanceof MtrlError) return error;
  throw new Error(`no coded error: ${String(error)}`);
};
const json = (scores: unknown) => () => ({ body: JSON.stringify({ scores }) });

describe('an external grader', () => {
  it('scores every judgment in order, over any number of requests', async () => {
    let requestCount = 0;
    const scores = await ask((asked) => {
      requestCount++;
      return { body: JSON.stringify({ scores: asked.map(({ exampleId }) => Number(exampleId) / 1000) }) };
    }, 150);
    expect(scores).toEqual(Array.from({ length: 150 }, (_, i) => i / 1000));
    expect(requestCount).toBe(3);
  });

  const rubbish: readonly (readonly [string, Answer])[] = [
    ['an error status', () => ({ status: 500, body: '{"scores": [1, 1]}' })],
    ['no JSON', () => ({ body: 'fine' })],
    ['another form', () => ({ body: '[1, 1]' })],
    ['too few scores', json([1])],
    ['one score for all', json(1)],
    ['a score above 1', json([0, 1.01])],
    ['a score below 0', json([-0.1, 1])],
    ['a text for a score', json([1, '1'])],
    ['null, as NaN is written', json([1, null])],
    ['no answer in time', () => undefined],
  ];

  it.each(rubbish)('that gives %s is GRADER_FAILED and retryable: never a score', async (what, answer) => {
    const error: unknown = await ask(answer, 2, what === 'no answer in time' ? 200 : undefined).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'GRADER_FAILED', retryable: true });
    expect(toFailure(error, 1)).toMatchObject({ type: 'GRADER_FAILED', nonRetryable: false });
  });

  it('that is unreachable is GRADER_FAILED, with its address', async () => {
    const url = await graderAt(json([1, 1]));
    server?.close();
    const error = await failureOf(graderScores(items(2), spec(url), once));
    expect(error).toMatchObject({ code: 'GRADER_FAILED', details: { where: url } });
    expect(error.details.found).toContain('ECONNREFUSED');
  });

  it('is sent no judgment at an address that it redirects to', async () => {
    const paths: (string | undefined)[] = [];
    const error = await failureOf(
      ask((_, { url }) => {
        paths.push(url);
        return { status: 307, headers: { location: '/elsewhere' } };
      }),
    );
    expect(error).toMatchObject({
      code: 'GRADER_FAILED',
      details: { found: expect.stringContaining('status 307') as string },
    });
    expect(paths).toEqual(['/grade']);
  });

  const secret = 'sk-secret-of-the-grader';
  const leaks: readonly (readonly [string, Answer])[] = [
    ['an error page', () => ({ status: 500, body: secret })],
    ['a text', () => ({ body: secret })],
    ['another form', () => ({ body: JSON.stringify({ [secret]: secret }) })],
    ['a text for a score', () => ({ body: JSON.stringify({ scores: [1, secret] }) })],
  ];
  it.each(leaks)('that answers %s is never quoted in an error or its causes', async (_, answer) => {
    const failure = toFailure(await failureOf(ask(answer)), 1);
    for (let error: unknown = failure; error instanceof Error; error = error.cause)
      expect(`${inspect(error, { depth: null })}${error.stack ?? ''}`).not.toContain(secret);
  });

  it('that answers without end is not read to the end', async () => {
    const error = await failureOf(ask(() => ({ body: ' '.repeat(8 << 20) })));
    expect(error).toMatchObject({
      code: 'GRADER_FAILED',
      details: { found: expect.stringContaining('bytes') as string },
    });
    expect(error.details.found).toContain('more than');
  });

  it('has at most requestCountMax concurrent requests, and no fewer while more are waiting', async () => {
    let underWay = 0;
    const counts: number[] = [];
    const held: (() => void)[] = [];
    const url = await serve((response, asked) => {
      counts.push(++underWay);
      held.push(() => {
        underWay--;
        response.end(JSON.stringify({ scores: asked.map(() => 1) }));
      });
      // Answered in pairs: with sequential requests, the second would never arrive.
      if (held.length === 2) for (const answer of held.splice(0)) answer();
    });
    const scores = await graderScores(items(6 * 64), spec(url), once);
    expect(scores).toHaveLength(6 * 64);
    expect(Math.max(...counts)).toBe(2);
    expect(counts).toHaveLength(6);
  });

  it('that answers with Retry-After is asked again after that time, in the same attempt', async () => {
    let requestCount = 0;
    const scores = await ask((asked) => {
      requestCount++;
      if (requestCount === 1) return { status: 429, headers: { 'retry-after': '1' } };
      return { body: JSON.stringify({ scores: asked.map(() => 1) }) };
    });
    expect([scores, requestCount]).toEqual([[1, 1], 2]);
  });

  it('gets no more requests once the activity is cancelled, and open requests are closed', async () => {
    const controller = new AbortController();
    const closed: Promise<void>[] = [];
    const url = await serve((response) => {
      closed.push(new Promise((resolve) => response.on('close', resolve)));
      if (closed.length === 2) controller.abort(new Error('cancelled'));
    });
    const asked = graderScores(items(6 * 64), spec(url), { ...once, signal: controller.signal });
    await expect(asked).rejects.toThrow('cancelled');
    await Promise.all(closed);
    expect(closed).toHaveLength(2);
  });

  it('that fails once keeps its other answers, and gets no request after the failure', async () => {
    const answers = new Map<string, readonly number[]>();
    const kept: GraderCalls['kept'] = async (batch, asked) => {
      const key = batch.map(({ exampleId }) => exampleId).join();
      const scores = answers.get(key) ?? (await asked());
      answers.set(key, scores);
      return scores;
    };
    const firsts: string[] = [];
    let isBroken = true;
    const url = await graderAt((asked) => {
      const first = asked[0]?.exampleId ?? '';
      firsts.push(first);
      if (isBroken && first === '64') return { status: 500 };
      return { body: JSON.stringify({ scores: asked.map(({ exampleId }) => Number(exampleId) / 1000) }) };
    });
    const attempt = () => graderScores(items(6 * 64), spec(url), { ...once, kept });
    expect(await failureOf(attempt())).toMatchObject({ code: 'GRADER_FAILED' });
    expect(firsts.length).toBeLessThan(6);
    isBroken = false;
    expect(await attempt()).toEqual(items(6 * 64).map(({ exampleId }) => Number(exampleId) / 1000));
    expect(firsts.filter((first) => first !== '64').sort()).toEqual(['0', '128', '192', '256', '320']);
  });
});
