import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { createNotify } from '../../pipeline/promotion/notify.ts';
import type { NotifyResult } from '../../contract/retraining.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { callerWith } from '../support/caller.ts';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let folder = '';
let server: Server;
let received: Received[] = [];
/** The receiver's answer to request number n. */
let answer: (response: ServerResponse, n: number) => void;
const event = { kind: 'promoted', name: 'judge', experimentId: 'nightly-1', text: 'promoted to judge@3' } as const;
const patience = { timeoutMs: 300, backoffMs: [10, 20], commandTimeoutMs: 300_000 };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-notify-'));
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      answer(response, received.length);
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
beforeEach(() => {
  received = [];
  answer = (response) => response.end();
});
afterEach(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const urlOf = (path = '/secret-path') => `http://127.0.0.1:${String((server.address() as AddressInfo).port)}${path}`;

async function urlOfNobody(): Promise<string> {
  const closed = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => closed.once('listening', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  return `http://127.0.0.1:${String(port)}/secret-path`;
}

async function notified(
  notify: object,
  env: NodeJS.ProcessEnv = {},
  commandTimeoutMs = patience.commandTimeoutMs,
): Promise<NotifyResult> {
  const cache = new JsonCache(new ArtifactStore(new FolderObjectStore(folder)));
  const recipe = await cache.put({ promotion: { notify } });
  return createNotify(cache, env, { ...patience, commandTimeoutMs })({ recipe, event }, callerWith());
}

describe('a webhook', () => {
  it('gets the event with a signature over its raw bytes, id and time', async () => {
    const secret = 'a secret of the worker';
    const webhooks = [{ url: urlOf(), secretVariable: 'HOOK_SECRET' }];
    expect(await notified({ webhooks }, { HOOK_SECRET: secret })).toEqual({ deliveredCount: 1, failures: [] });
    const [{ headers, body } = { headers: {}, body: '' }] = received;
    const [id, time] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])];
    expect(time).toMatch(/^\d{10}$/);
    const expected = createHmac('sha256', secret).update(`${id}.${time}.${body}`).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${expected}`);
    const { kind, ...data } = event;
    expect(JSON.parse(body)).toMatchObject({ type: kind, data });
  });

  it.each([
    ['base64 without padding', 'whsec_c2VjcmV0IQ', Buffer.from('secret!')],
    ['letters beyond ASCII', 'geheimnisträger', Buffer.from('geheimnisträger')],
  ])('takes a secret of %s', async (_, secret, key) => {
    const webhooks = [{ url: urlOf(), secretVariable: 'HOOK_SECRET' }];
    expect(await notified({ webhooks }, { HOOK_SECRET: secret })).toEqual({ deliveredCount: 1, failures: [] });
    const [{ headers, body } = { headers: {}, body: '' }] = received;
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  });

  it('with an empty secret is reported, and nothing is sent', async () => {
    const webhooks = [{ url: urlOf(), secretVariable: 'HOOK_SECRET' }];
    const { failures } = await notified({ webhooks }, { HOOK_SECRET: 'whsec_' });
    expect([failures, received]).toEqual([[expect.stringMatching(/^webhook at .*empty/)], []]);
  });

  it('that is busy is retried with the same id until it accepts', async () => {
    answer = (response, n) => response.writeHead(n < 3 ? 503 : 204).end();
    expect(await notified({ webhooks: [{ url: urlOf() }] })).toEqual({ deliveredCount: 1, failures: [] });
    expect(received).toHaveLength(3);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(received[0]?.headers['webhook-signature']).toBeUndefined();
  });

  it('is requested once if it refuses, three times if it is slow or unreachable, and is reported by host without path', async () => {
    answer = (response) => response.writeHead(403).end();
    const refused = await notified({ webhooks: [{ url: urlOf() }] });
    expect([received.length, refused.deliveredCount]).toEqual([1, 0]);
    answer = () => undefined;
    const slow = await notified({ webhooks: [{ url: urlOf() }] });
    expect(received).toHaveLength(4);
    const gone = await notified({ webhooks: [{ url: await urlOfNobody() }] });
    expect([refused, slow, gone].flatMap(({ failures }) => failures)).toEqual([
      expect.stringMatching(/^webhook at http:\/\/127.0.0.1:\d+: status 403, attempt 1$/),
      expect.stringMatching(/: no answer within 0.3 s, attempt 3$/),
      expect.stringMatching(/^webhook at http:\/\/127.0.0.1:\d+: .*ECONNREFUSED.*, attempt 3$/),
    ]);
  });

  it('is not redirected, and is not sent unsigned if the secret is missing', async () => {
    answer = (response) => response.writeHead(302, { location: urlOf('/elsewhere') }).end();
    const { failures } = await notified({ webhooks: [{ url: urlOf() }] });
    expect(failures).toEqual([expect.stringContaining('status 302')]);
    const unsigned = await notified({ webhooks: [{ url: urlOf(), secretVariable: 'HOOK_SECRET' }] });
    expect(unsigned.failures).toEqual([expect.stringContaining('HOOK_SECRET')]);
    expect(received).toHaveLength(1);
  });
});

describe('a command', () => {
  const node = (script: string) => [process.execPath, '-e', script];

  it('reads the event on stdin and sees no credentials of the worker', async () => {
    const target = join(folder, 'told.json');
    const script = `const {readFileSync, writeFileSync} = require('node:fs');
      writeFileSync(${JSON.stringify(target)}, JSON.stringify({event: JSON.parse(readFileSync(0)), env: Object.keys(process.env)}))`;
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'of the worker');
    expect(await notified({ commands: [node(script)] })).toEqual({ deliveredCount: 1, failures: [] });
    const told = JSON.parse(await readFile(target, 'utf8')) as { event: object; env: string[] };
    expect(told.event).toMatchObject({ type: 'promoted', data: { name: 'judge' } });
    expect(told.env).not.toContain('AWS_SECRET_ACCESS_KEY');
  });

  it('that fails, hangs, or does not exist is reported and does not block the other notifications', async () => {
    const commands = [node('console.error("no such channel"); process.exit(3)'), ['no-such-program'], node('')];
    const { deliveredCount, failures } = await notified({ commands, webhooks: [{ url: urlOf() }] });
    expect(deliveredCount).toBe(2);
    expect(failures).toEqual([
      expect.stringContaining('exit 3 (no such channel)'),
      expect.stringContaining('no-such-program'),
    ]);
    const hanging = [['sh', '-c', 'sleep 30 & wait']];
    expect(await notified({ commands: hanging, webhooks: [{ url: urlOf() }] }, {}, 500)).toEqual({
      deliveredCount: 1,
      failures: ['sh: not finished within 0.5 s'],
    });
  });
});
