/** Pictures by address: only from hosts that the operator names, without redirects, and within the limits. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sha256 } from '../../core/json.ts';
import { stopServer } from '../support/http-server.ts';
import { requestImage } from '../../serve/judging/taken-image.ts';

let server: Server;
let host: string;
let picture: Buffer;
const asked: string[] = [];

beforeAll(async () => {
  picture = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'teal' } })
    .png()
    .toBuffer();
  server = createServer(({ url = '' }, response) => {
    asked.push(url);
    if (url === '/moved.png') response.writeHead(302, { location: '/a.png' }).end();
    else if (url === '/a.png') response.end(picture);
    else if (url === '/large.png') response.end(Buffer.alloc(20_000));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => stopServer(server));

const take = (path: string, hosts: readonly string[]) =>
  requestImage(`http://${host}${path}`, 'picture 1', { hosts, pixelCountMax: 1_000, bodyByteLengthMax: 10_000 });

it('takes a picture from a host that is named, and asks no other', async () => {
  expect((await take('/a.png', [host])).sha256).toBe(sha256(picture));
  const before = asked.length;
  for (const hosts of [[], ['127.0.0.1'], ['pictures.example']])
    await expect(take('/a.png', hosts)).rejects.toThrow(/fetches nothing/);
  expect(asked).toHaveLength(before);
});

it.each([
  ['/moved.png', /cannot be fetched/],
  ['/gone.png', /status 404/],
  ['/large.png', /more than 10000 bytes/],
])('refuses %s', async (path, reason) => {
  await expect(take(path, [host])).rejects.toThrow(reason);
});
