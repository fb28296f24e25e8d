/** Everything that a client can get wrong: the HTTP status, in the error object of the OpenAI API, and what it names. */
import { createConnection } from 'node:net';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kindsFor, sendMixed } from '../../bench/serve-kinds.ts';
import { Tokens } from '../../serve/tokens.ts';
import { dataUri, type DemoServer, demoServer, judgeRow, worldRows } from './demo-server.ts';

const limits = { bodyByteLengthMax: 200_000, bodyTimeoutMs: 1_000, pixelCountMax: 1 << 20, rowCountMax: 4 };
let server: DemoServer;
let row: ReturnType<typeof judgeRow>;
let picture: string;

beforeAll(async () => {
  server = await demoServer({ limits });
  const [first] = await worldRows('safety', 1);
  row = judgeRow(first ?? { id: '', fields: {}, pictures: [] });
  [picture = ''] = row.images;
});
afterAll(() => server.close());

const chat = (changes: object = {}) => ({ model: 'demo', messages: [{ role: 'user', content: 'is it' }], ...changes });
const judged = (changes: object = {}) => ({ task: 'safety', ...row, ...changes });
const image = (url: string) => [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }];

async function bomb(): Promise<string> {
  const raw = { width: 4_096, height: 4_096, channels: 3, background: 'teal' } as const;
  return dataUri(await sharp({ create: raw }).png({ compressionLevel: 9 }).toBuffer());
}

type Case = readonly [name: string, path: string, body: () => unknown, status: number, part: string];
const cases: readonly Case[] = [
  ['unknown task', '/v1/judge', () => judged({ task: 'safty' }), 404, 'safety'],
  ['unknown model', '/v1/judge', () => judged({ model: 'gpt-4' }), 404, 'gpt-4'],
  ['unknown member', '/v1/judge', () => judged({ temprature: 1 }), 400, 'temprature'],
  ['unknown ordering', '/v1/judge', () => judged({ ordering: 'all' }), 400, 'ordering'],
  ['no picture', '/v1/judge', () => judged({ images: [] }), 400, '1 images'],
  ['a field that the prompt needs', '/v1/judge', () => judged({ task: 'alignment' }), 400, 'caption'],
  ['a picture by address', '/v1/judge', () => judged({ images: ['http://127.0.0.1:9/a.png'] }), 400, '--picture-host'],
  ['a picture by file name', '/v1/judge', () => judged({ images: ['/etc/passwd'] }), 400, 'data URI'],
  ['a picture that is none', '/v1/judge', () => judged({ images: ['data:image/png;base64,AAAA'] }), 400, 'picture 1'],
  ['a picture bomb', '/v1/judge', async () => judged({ images: [await bomb()] }), 413, '4096 x 4096'],
  ['too many votes', '/v1/judge', () => judged({ votes: 1_000 }), 400, 'votes'],
  ['too many rows', '/v1/judge', () => ({ task: 'safety', rows: Array.from({ length: 5 }, () => row) }), 400, 'rows'],
  ['two rows of one id', '/v1/judge', () => ({ task: 'safety', rows: [row, row] }), 400, 'two rows'],
  ['a row within fields', '/v1/judge', () => judged({ fields: { images: 'a' } }), 400, 'fields'],
  ['a temperature of one answer', '/v1/judge', () => judged({ temperature: 2 }), 400, 'votes'],
  ['a list', '/v1/judge', () => [], 400, ''],
  ['unknown chat model', '/v1/chat/completions', () => chat({ model: 'gpt-4' }), 404, 'gpt-4'],
  ['tools', '/v1/chat/completions', () => chat({ tools: [] }), 400, 'tools'],
  ['top log-probs', '/v1/chat/completions', () => chat({ top_logprobs: 5 }), 400, 'top_logprobs'],
  ['a penalty', '/v1/chat/completions', () => chat({ frequency_penalty: 1 }), 400, 'frequency_penalty'],
  ['no messages', '/v1/chat/completions', () => chat({ messages: [] }), 400, 'messages'],
  ['a role', '/v1/chat/completions', () => chat({ messages: [{ role: 'tool', content: '' }] }), 400, 'messages.0'],
  ['temperature 3', '/v1/chat/completions', () => chat({ temperature: 3 }), 400, 'temperature'],
  [
    'audio',
    '/v1/chat/completions',
    () => chat({ messages: [{ role: 'user', content: [{ type: 'input_audio' }] }] }),
    400,
    'messages.0',
  ],
  [
    'a chat picture by address',
    '/v1/chat/completions',
    () => chat({ messages: image('https://127.0.0.1:9/b.png') }),
    400,
    '127.0.0.1:9',
  ],
  ['a longer answer than the model has', '/v1/chat/completions', () => chat({ max_tokens: 4_000 }), 400, 'positions'],
  ['no such route', '/v1/completions', () => chat(), 404, '/v1/completions'],
  ['a large body', '/v1/judge', () => judged({ fields: { a: 'x'.repeat(300_000) } }), 413, '200000 bytes'],
];

it.each(cases)('%s', async (_, path, body, status, part) => {
  const answer = await server.post(path, await body());
  expect(answer).toMatchObject({ status, body: { error: { message: expect.stringContaining(part) as string } } });
});

describe('bodies', () => {
  const send = (init: RequestInit) => fetch(`${server.address}/v1/judge`, { method: 'POST', ...init });
  const type = { 'content-type': 'application/json' };

  it.each([
    ['not JSON', { body: '{', headers: type }, 400],
    ['not UTF-8', { body: new Uint8Array([34, 255, 34]), headers: type }, 400],
    ['none', { headers: type }, 400],
    ['a form', { body: 'task=safety', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415],
  ] as const)('%s', async (__, init, status) => {
    expect((await send(init)).status).toBe(status);
  });

  it('one that never ends is given up, and the server answers others meanwhile', async () => {
    const { hostname, port } = new URL(server.address);
    const socket = createConnection(Number(port), hostname);
    socket.write('POST /v1/judge HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n');
    socket.write('content-length: 1000\r\n\r\n{"task":');
    expect((await fetch(`${server.address}/healthz`)).status).toBe(200);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 408 /);
    socket.destroy();
  });
});

it('a body that is too large has its answer also for a client that sends all of it before it reads', async () => {
  const { hostname, port } = new URL(server.address);
  const socket = createConnection(Number(port), hostname);
  const byteLength = 2 * limits.bodyByteLengthMax;
  socket.write('POST /v1/judge HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n');
  socket.write(`connection: close\r\ncontent-length: ${String(byteLength)}\r\n\r\n`);
  for (let sent = 0; sent < 4; sent++) {
    socket.write(Buffer.alloc(byteLength / 4));
    await sleep(200);
  }
  expect(await textOf(socket)).toMatch(/^HTTP\/1\.1 413 /);
});

it('a row that cannot be judged has its error in a batch, and the others their verdicts', async () => {
  const rows = [row, { id: 'broken', images: ['data:image/png;base64,AAAA'] }];
  const { status, body } = await server.post('/v1/judge', { task: 'safety', rows });
  const data = [
    { id: row.id, likeliest: expect.any(String) as string },
    { id: 'broken', error: { code: 'IMAGE_UNREADABLE' } },
  ];
  expect({ status, body }).toMatchObject({ status: 200, body: { data } });
});

it('without tokens answers only those that call it by a name of this machine', async () => {
  const { hostname, port } = new URL(server.address);
  const socket = createConnection(Number(port), hostname);
  socket.write('GET /v1/models HTTP/1.1\r\nhost: evil.example\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 403 /);
  socket.destroy();
});

it('keeps the pictures out of what it tells of itself', async () => {
  const text = await (await fetch(`${server.address}/metrics`)).text();
  expect(text).toContain('mtrl_serve_request_duration_seconds_count{route="/v1/judge",status="404"}');
  expect(text).not.toContain(picture.slice(0, 100));
  const document = (await (await fetch(`${server.address}/openapi.json`)).json()) as { paths: object };
  expect(Object.keys(document.paths)).toContain('/v1/judge');
});

it('ends each of 100 requests of all kinds, good and bad, as it must, and keeps nothing of them', async () => {
  const token = await new Tokens(`${server.folder}/tokens`).add('mixed', '2026-01-01T00:00:00Z');
  const kinds = await kindsFor({ address: server.address, token, limits });
  const ended = await sendMixed(kinds, { requestCount: 100, concurrency: 16 });
  expect(ended.filter(({ isExpected }) => !isExpected)).toEqual([]);
  expect(new Set(ended.map(({ kind }) => kind))).toEqual(new Set(Object.keys(kinds)));
  const metrics = async () => (await fetch(`${server.address}/metrics`)).text();
  await expect.poll(metrics).toMatch(/^mtrl_serve_requests_in_flight 0$/m);
  expect(await metrics()).toMatch(/^mtrl_serve_engine_requests_waiting 0$/m);
  const records = await readFile(`${server.folder}/audit/judgments/safety.jsonl`, 'utf8');
  for (const { id } of ended.filter(({ kind, isRecorded }) => isRecorded && kind !== 'pair in both orders'))
    expect(records.split(`"id":"${id}"`)).toHaveLength(2);
  await new Tokens(`${server.folder}/tokens`).revoke('mixed');
});

it('needs a token once there is one, and refuses it once it is revoked, the last one too', async () => {
  const tokens = new Tokens(`${server.folder}/tokens`);
  const token = await tokens.add('app', '2026-01-01T00:00:00Z');
  const models = async (authorization: string) =>
    (await fetch(`${server.address}/v1/models`, { headers: { authorization } })).status;
  expect([await models(''), await models('Bearer mtrl_x'), await models(`Bearer ${token}`)]).toEqual([401, 401, 200]);
  expect(JSON.stringify(await tokens.list())).not.toContain(token);
  await tokens.revoke('app');
  expect(await models(`Bearer ${token}`)).toBe(401);
  await expect(tokens.revoke('app')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
