/** Requests to foreign services reach no private network by way of DNS or of redirects, and no metadata of a cloud. */
import type * as Dns from 'node:dns';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Hub } from '../../artifacts/hub/hub.ts';
import { fetchFor, privateHostsVariable } from '../../core/guarded-fetch.ts';
import { reachOf, saysPrivate } from '../../core/network-places.ts';
import { postSigned } from '../../pipeline/promotion/webhook.ts';
import { graderScores } from '../../pipeline/training/grader.ts';
import { openOpenai } from '../../policy/engines/openai/open.ts';
import { requestImage } from '../../serve/judging/taken-image.ts';
import { stopServer } from '../support/http-server.ts';

/** Names of public domains, whose owner says where they lead. */
const dns = vi.hoisted(() => new Map<string, readonly string[]>());
vi.mock('node:dns', async (original) => {
  const real = await original<typeof Dns>();
  type Lookup = (host: string, options: object, callback: (error: null, found: object[]) => void) => void;
  const lookup: Lookup = (host, options, callback) => {
    const found = dns.get(host);
    if (found === undefined) (real.lookup as unknown as Lookup)(host, options, callback);
    else
      callback(
        null,
        found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
  };
  return { ...real, lookup };
});

let server: Server;
let port = 0;
const asked: string[] = [];
const scratch = mkdtempSync(join(tmpdir(), 'mtrl-guard-'));

beforeAll(async () => {
  server = createServer(({ url = '' }, response) => {
    asked.push(url);
    const location = { '/metadata': 'http://169.254.169.254/latest/meta-data', '/moved': '/here' }[url];
    if (location === undefined) response.end('{"scores": [1]}');
    else response.writeHead(302, { location }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  dns.set('rebound.example.com', ['127.0.0.1']);
  dns.set('both.example.com', ['169.254.169.254', '127.0.0.1']);
  dns.set('mapped.example.com', ['::ffff:127.0.0.1']);
});
beforeEach(() => {
  asked.length = 0;
});
afterAll(async () => {
  await stopServer(server);
  rmSync(scratch, { recursive: true });
});

const at = (host: string, path = '/'): string => `http://${host}:${String(port)}${path}`;
const refused = { code: 'ADDRESS_REFUSED' };

describe('an address', () => {
  it.each(['rebound.example.com', 'mapped.example.com', 'both.example.com'])(
    'of a public name that leads to this machine is not asked: %s',
    async (host) => {
      await expect(fetchFor(at(host))(at(host))).rejects.toMatchObject({ ...refused, details: { where: host } });
      expect(asked).toEqual([]);
    },
  );

  it.each(['127.0.0.1', 'localhost'])('that says it is private is asked: %s', async (host) => {
    expect((await fetchFor(at(host))(at(host, '/moved'))).status).toBe(200);
    expect(asked).toEqual(['/moved', '/here']);
  });

  it('of a name that the operator lists is asked, but never at the metadata of a cloud', async () => {
    for (const listed of ['other.example, both.example.com', '.example.com']) {
      const environment = { [privateHostsVariable]: listed };
      expect((await fetchFor(at('both.example.com'), environment)(at('both.example.com'))).status).toBe(200);
    }
    const environment = { [privateHostsVariable]: 'example.com,a.both.example.com,.oth.example.com' };
    await expect(fetchFor(at('both.example.com'), environment)(at('both.example.com'))).rejects.toMatchObject(refused);
  });

  it('is not reached by a redirect either', async () => {
    // What a redirect does: the next request goes by the same rule.
    await expect(fetchFor('https://public.example.com')(at('127.0.0.1'))).rejects.toMatchObject(refused);
    await expect(fetchFor('https://public.example.com')(at('[::ffff:7f00:1]'))).rejects.toMatchObject(refused);
    expect(asked).toEqual([]);
    await expect(fetchFor(at('127.0.0.1'))(at('127.0.0.1', '/metadata'))).rejects.toMatchObject({
      ...refused,
      details: { where: '169.254.169.254' },
    });
  });
});

describe('behind a public name that leads to this machine', () => {
  const url = (path?: string): string => at('rebound.example.com', path);
  const { signal } = new AbortController();

  it('a grader gets no judgments', async () => {
    const item = { exampleId: 'a', task: 't', fields: {}, label: 'yes', verdict: 'yes', rationale: '' };
    const spec = { url: url(), weight: 1, timeoutMs: 60_000, requestCountMax: 1 };
    await expect(graderScores([item], spec, { signal, kept: (_, ask) => ask() })).rejects.toMatchObject(refused);
  });

  it('a webhook gets no event, once', async () => {
    const message = { id: 'msg_1', body: '{}' };
    const problem = await postSigned(url(), message, undefined, { timeoutMs: 60_000, backoffMs: [1, 1] }, signal);
    expect(problem).toMatch(/ADDRESS_REFUSED.*attempt 1$/);
  });

  it('an endpoint gets neither rows nor the key', async () => {
    const settings = {
      address: url('/v1'),
      model: 'm',
      tokenLimit: 'max_tokens',
      omit: [],
      timeoutMs: 60_000,
    } as const;
    const surroundings = { environment: { OPENAI_API_KEY: 'k' }, signal, retryAfterMsOf: () => undefined };
    await expect(openOpenai(settings, surroundings).ask('{}')).rejects.toMatchObject(refused);
  });

  it('a host of pictures is not asked', async () => {
    const rules = { hosts: [`rebound.example.com:${String(port)}`], pixelCountMax: 100, bodyByteLengthMax: 100 };
    await expect(requestImage(url('/a.png'), 'picture 1', rules)).rejects.toThrow(/not public/);
  });

  it('the Hub is not asked', async () => {
    const hub = new Hub({ endpoint: url('').replace(/\/$/, ''), token: 'hf_x', cacheFolder: scratch });
    const address = { type: 'model', name: 'org/name', revision: 'main', path: '' } as const;
    await expect(hub.commitOf(address)).rejects.toMatchObject(refused);
  });

  it('nothing arrived', () => {
    expect(asked).toEqual([]);
  });
});

it.each([
  ['8.8.8.8', 'public'],
  ['2606:4700::1111', 'public'],
  ['172.15.0.1', 'public'],
  ['172.16.0.1', 'private'],
  ['10.1.2.3', 'private'],
  ['100.64.0.1', 'private'],
  ['0.0.0.0', 'private'],
  ['::1', 'private'],
  ['::', 'private'],
  ['fd12::1', 'private'],
  ['::ffff:192.168.0.1', 'private'],
  ['::7f00:1', 'private'],
  ['64:ff9b::a00:1', 'private'],
  ['64:ff9b::808:808', 'public'],
  ['2002:7f00:1::', 'private'],
  ['169.254.169.254', 'barred'],
  ['::ffff:169.254.169.254', 'barred'],
  ['64:ff9b::a9fe:a9fe', 'barred'],
  ['fe80::1%eth0', 'barred'],
  ['fd00:ec2::254', 'barred'],
  ['224.0.0.1', 'barred'],
])('%s is %s', (address, reach) => {
  expect(reachOf(address)).toBe(reach);
});

it('tells the hosts that say they are private', () => {
  const hosts = ['localhost', 'grader', 'a.svc', 'x.ns.svc.cluster.local', 'host.docker.internal', '10.0.0.1', '[::1]'];
  expect(hosts.filter((host) => !saysPrivate(host))).toEqual([]);
  expect(['example.com', 'local.example.com', 'internal.com', '8.8.8.8', '[2606:4700::1]'].filter(saysPrivate)).toEqual(
    [],
  );
});
