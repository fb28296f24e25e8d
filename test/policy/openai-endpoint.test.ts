/** The client of OpenAI-compatible endpoints, against a strict server that fails in every way that is known. */
import { afterEach, describe, expect, it } from 'vitest';
import { MtrlError } from '../../core/errors.ts';
import type { EndpointQuestion, EndpointSettings } from '../../policy/engines/endpoint.ts';
import { openOpenai } from '../../policy/engines/openai/open.ts';
import { retryAfterMsOf } from '../../pipeline/retry-after.ts';
import { EndpointServer, type Reply, type Trouble } from '../support/endpoint-server.ts';

const key = 'sk-secret-0123456789';
const servers: EndpointServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serving(reply: Reply): Promise<EndpointServer> {
  const server = await EndpointServer.start(reply, key);
  servers.push(server);
  return server;
}

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const question: EndpointQuestion = {
  messages: [{ role: 'user', content: [{ type: 'text', text: 'round ?' }] }],
  ...{ temperature: 0, seed: 7, tokenCountMax: 20 },
};

interface Options {
  readonly settings?: Partial<EndpointSettings>;
  readonly environment?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  readonly waits?: number[];
}

function opened(
  address: string,
  { settings, environment = { OPENAI_API_KEY: key }, signal, waits = [] }: Options = {},
) {
  return openOpenai(
    { address, model: 'a-model', tokenLimit: 'max_tokens', omit: [], timeoutMs: 5_000, ...settings },
    {
      environment,
      signal: signal ?? new AbortController().signal,
      retryAfterMsOf,
      onRetry: (_, waitMs) => waits.push(waitMs),
    },
    // Real pauses, short ones.
    4,
  );
}

async function asked(address: string, options: Options = {}, asking = question) {
  const endpoint = opened(address, options);
  return endpoint.ask(endpoint.requestOf(asking));
}

async function refusedBy(address: string, options: Options = {}): Promise<MtrlError> {
  const error = await asked(address, options).then(
    (answer) => new Error(`answered: ${JSON.stringify(answer)}`),
    (thrown: unknown) => thrown,
  );
  if (error instanceof MtrlError) return error;
  throw error;
}

/** The troubles in turn, then an answer. */
function after(...troubles: readonly Trouble[]): Reply {
  const left = [...troubles];
  return () => left.shift() ?? '<answer> yes </answer>';
}

describe('the request', () => {
  it('carries model, messages, images as data URIs, sampling, the limit of tokens and the key', async () => {
    const server = await serving(() => 'yes');
    const image = { type: 'image', mediaType: 'image/png', bytes: png } as const;
    const content = [image, { type: 'text', text: 'round ?' }] as const;
    const answer = await asked(
      server.address,
      {},
      { ...question, temperature: 0.5, topP: 0.9, messages: [{ role: 'user', content }] },
    );
    expect(answer).toEqual({
      text: 'yes',
      finishReason: 'stop',
      usage: { promptTokenCount: 100, completionTokenCount: 10 },
    });
    expect(server.problems).toEqual([]);
    const url = `data:image/png;base64,${png.toString('base64')}`;
    expect(server.requests).toEqual([
      {
        model: 'a-model',
        messages: [
          {
            role: 'user',
            content: [
              { type: 'image_url', image_url: { url } },
              { type: 'text', text: 'round ?' },
            ],
          },
        ],
        ...{ temperature: 0.5, top_p: 0.9, seed: 7, max_tokens: 20 },
      },
    ]);
  });

  it('leaves out what the model rejects, names the limit as it wants, and sends text alone as a string', async () => {
    const server = await serving(() => 'yes');
    await asked(server.address, { settings: { omit: ['temperature', 'seed'], tokenLimit: 'max_completion_tokens' } });
    expect(server.requests).toEqual([
      { model: 'a-model', messages: [{ role: 'user', content: 'round ?' }], max_completion_tokens: 20 },
    ]);
  });

  it('reads the key of another variable, and sends none where OPENAI_API_KEY is not set', async () => {
    const server = await serving(() => 'yes');
    await asked(server.address, { settings: { keyVariable: 'MY_API_KEY' }, environment: { MY_API_KEY: `${key}\n` } });
    expect(await refusedBy(server.address, { environment: {} })).toMatchObject({
      code: 'ENDPOINT_REFUSED',
      details: {
        found: 'status 401: Incorrect API key provided: none',
        hint: expect.stringContaining('OPENAI_API_KEY') as string,
      },
    });
  });

  it.each([
    ['not set', {}],
    ['a header cannot carry', { MY_API_KEY: 'two words' }],
  ])('refuses a named variable that is unusable before it asks: %s', (found, environment) => {
    const open = () => opened('http://127.0.0.1:1/v1', { settings: { keyVariable: 'MY_API_KEY' }, environment });
    expect(open).toThrow(
      expect.objectContaining({
        code: 'ENDPOINT_REFUSED',
        details: expect.objectContaining({ found: expect.stringContaining(found) as string }) as object,
      }) as Error,
    );
    expect(open).not.toThrow('two words');
  });
});

describe('the answer', () => {
  it.each([
    [
      { text: 'ye', finishReason: 'length' },
      { text: 'ye', finishReason: 'length' },
    ],
    [
      { text: null, finishReason: 'length' },
      { text: '', finishReason: 'length' },
    ],
    [
      { text: null, finishReason: 'content_filter' },
      { text: '', finishReason: 'stop', refusal: 'refused' },
    ],
    [
      { text: null, refusal: 'I cannot help' },
      { text: '', finishReason: 'stop', refusal: 'refused' },
    ],
  ])('reads %j', async (given, expected) => {
    const server = await serving(() => given);
    expect(await asked(server.address)).toMatchObject(expected);
  });

  it.each([
    [
      'prompt-too-long',
      400,
      { message: "This model's maximum context length is 4096 tokens.", code: 'context_length_exceeded' },
    ],
    ['prompt-too-long', 413, {}],
    ['refused', 400, { message: 'filtered', code: 'content_filter' }],
    ['refused', 400, { message: 'cannot decode', code: 'invalid_image_format' }],
  ])('is %s for a row that the endpoint rejects with %i %j', async (refusal, status, error) => {
    const server = await serving(() => ({ status, body: { error } }));
    expect(await asked(server.address)).toEqual({ text: '', finishReason: 'stop', refusal });
    expect(server.requests).toHaveLength(1);
  });

  it('never holds the key, whoever repeats it', async () => {
    const server = await serving(() => `your key is ${key}`);
    expect((await asked(server.address)).text).toBe('your key is (key)');
    server.reply = () => ({ status: 400, body: { error: { message: `Bearer ${key} \u001b[2J\nis bad` } } });
    const error = await refusedBy(server.address);
    expect(error.details.found).toBe('status 400: Bearer (key) [2J is bad');
  });
});

describe('what is not computed is asked again', () => {
  it('after Retry-After in seconds, as a date, and after growing pauses without one', async () => {
    const waits: number[] = [];
    const date = new Date(Date.now() + 2_000).toUTCString();
    const server = await serving(
      after(
        { status: 429, headers: { 'Retry-After': '1' } },
        { status: 503, headers: { 'Retry-After': date } },
        { status: 500 },
        { status: 502 },
      ),
    );
    expect((await asked(server.address, { waits })).text).toBe('<answer> yes </answer>');
    const [seconds = NaN, dated = NaN, ...own] = waits;
    expect(seconds).toBe(1_000);
    expect(dated).toBeGreaterThanOrEqual(0);
    expect(dated).toBeLessThanOrEqual(2_000);
    expect(own).toEqual([16, 32]);
  });

  it('holds back all requests of the arm, not only the one that was told to wait', async () => {
    const server = await serving(() => ({ status: 429, headers: { 'Retry-After': '600' } }));
    const stop = new AbortController();
    const waits: number[] = [];
    const endpoint = opened(server.address, { waits, signal: stop.signal });
    const first = endpoint.ask(endpoint.requestOf(question));
    while (waits.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const second = endpoint.ask(endpoint.requestOf({ ...question, seed: 8 }));
    setTimeout(() => {
      stop.abort(new Error('long enough'));
    }, 300);
    const ended = await Promise.allSettled([first, second]);
    expect(ended.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(server.requests).toHaveLength(1);
  });

  it('gives up within bounds, to be retried later: ENDPOINT_UNREACHABLE', async () => {
    const server = await serving(() => ({ status: 503, body: 'overloaded' }));
    const error = await refusedBy(server.address);
    expect(error).toMatchObject({
      code: 'ENDPOINT_UNREACHABLE',
      retryable: true,
      details: { found: 'status 503: overloaded' },
    });
    expect(server.requests).toHaveLength(10);
    const { address } = server;
    await server.close();
    expect(await refusedBy(address)).toMatchObject({
      code: 'ENDPOINT_UNREACHABLE',
      details: { where: `${address}/chat/completions`, found: 'the request failed: ECONNREFUSED' },
    });
  });

  it('stops waiting when it is cancelled', async () => {
    const server = await serving(() => ({ status: 429, headers: { 'Retry-After': '600' } }));
    const stop = new AbortController();
    const waiting = asked(server.address, { signal: stop.signal });
    while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    setTimeout(() => {
      stop.abort(new Error('cancelled by the user'));
    }, 50);
    await expect(waiting).rejects.toThrow('cancelled by the user');
    expect(server.requests).toHaveLength(1);
  });
});

describe('what may have been billed is asked again a few times only', () => {
  const malformed: Trouble = { status: 200, body: '<html>a proxy</html>' };
  it.each<readonly [string, Trouble, string]>([
    ['a connection cut after the request', { trouble: 'drop' }, 'the request failed: UND_ERR_SOCKET'],
    ['a truncated body', { trouble: 'truncate' }, 'the request failed: UND_ERR_SOCKET'],
    ['a body that is not JSON', malformed, '20 bytes that are no JSON object'],
    ['JSON without an answer', { status: 200, body: { choices: [] } }, 'JSON without choices[0].message'],
    ['a proxy that gave up', { status: 504, body: '' }, 'status 504: '],
    ['a timeout', { trouble: 'hang' }, 'no answer within 1 s'],
  ])('%s', async (_, trouble, found) => {
    const settings = { timeoutMs: found.startsWith('no answer') ? 1_000 : 5_000 };
    const server = await serving(after(trouble, trouble));
    expect((await asked(server.address, { settings })).text).toBe('<answer> yes </answer>');
    server.reply = () => trouble;
    const error = await refusedBy(server.address, { settings });
    expect(error).toMatchObject({ code: 'ENDPOINT_ANSWER_INVALID', retryable: false, details: { found } });
    expect(server.requests).toHaveLength(3 + 3);
  });
});

describe('what no retry mends ends the run at once: ENDPOINT_REFUSED', () => {
  it.each<readonly [string, Trouble, string]>([
    ['403', { status: 403, body: { error: { message: 'no access' } } }, 'has no access to this model'],
    ['404', { status: 404, body: { error: 'no such model' } }, 'check `endpoint`'],
    ['a redirect', { status: 308, headers: { location: 'http://elsewhere/' } }, 'a redirect is not followed'],
    ['400', { status: 400, body: { error: { message: "Use 'max_completion_tokens'" } } }, '`tokenLimit`'],
    [
      'no quota',
      { status: 429, body: { error: { message: 'You exceeded your current quota', code: 'insufficient_quota' } } },
      'billing',
    ],
    ['a limit of the day', { status: 429, headers: { 'Retry-After': '7200' } }, 'start the experiment again then'],
  ])('%s', async (_, trouble, hint) => {
    const server = await serving(() => trouble);
    const error = await refusedBy(server.address);
    expect(error).toMatchObject({
      code: 'ENDPOINT_REFUSED',
      retryable: false,
      details: { where: `${server.address}/chat/completions` },
    });
    expect(error.details.hint).toContain(hint);
    expect(server.requests).toHaveLength(1);
  });
});
