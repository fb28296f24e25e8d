import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { toFailure } from '../../activities/failure.ts';
import { type GraderItem, graderScores } from '../../activities/grader.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

type Answer = (
  items: readonly GraderItem[],
  request: IncomingMessage,
) => { status?: number; body?: string } | undefined;

/** A grader on a free port; it never answers where `answer` gives nothing. */
async function graderAt(answer: Answer): Promise<string> {
  server = createServer((request, response) => {
    void text(request).then((body) => {
      const reply = answer((JSON.parse(body) as { judgments: GraderItem[] }).judgments, request);
      if (reply) response.writeHead(reply.status ?? 200).end(reply.body);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/grade`;
}

const items = (count: number): GraderItem[] =>
  Array.from({ length: count }, (_, i) => ({
    ...{ exampleId: String(i), task: 'shows', fields: {}, label: 'yes', verdict: 'yes', rationale: 'a' },
  }));
const ask = async (answer: Answer, count = 2) =>
  graderScores(items(count), { url: await graderAt(answer), weight: 0.5, timeoutMs: 500 });
const json = (scores: unknown) => () => ({ body: JSON.stringify({ scores }) });

describe('an external grader', () => {
  it('scores every judgment in order, however many requests that takes', async () => {
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

  it.each(rubbish)('that gives %s is GRADER_FAILED and asked again: never a score', async (_, answer) => {
    const error: unknown = await ask(answer).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'GRADER_FAILED', retryable: true });
    expect(toFailure(error, 1)).toMatchObject({ type: 'GRADER_FAILED', nonRetryable: false });
  });

  it('that is not there is GRADER_FAILED, naming its address', async () => {
    const url = await graderAt(json([1, 1]));
    server?.close();
    const error: unknown = await graderScores(items(2), { url, weight: 1, timeoutMs: 500 }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'GRADER_FAILED', details: { where: url } });
  });
});
