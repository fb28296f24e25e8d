/** What `serve` and `studio` answer with behind TLS: nobody without the authority, and under mutual TLS no stranger. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { get, type RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { certificateOf, type TlsOptions } from '../../cli/tls-options.ts';
import { webServer } from '../../core/web-server.ts';
import { makeCertificates } from '../support/certificates.ts';
import { stopServer } from '../support/http-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-web-'));
const at = (name: string): string => join(folder, name);
const ca = (): Buffer => readFileSync(at('ca.pem'));
let server: Server | undefined;

beforeAll(() => {
  makeCertificates(folder);
});
afterEach(async () => {
  if (server) await stopServer(server);
  server = undefined;
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function asked(options: TlsOptions, request: RequestOptions): Promise<string> {
  server = webServer(certificateOf(options), (_, response) => response.end('yes'));
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    get({ host: 'localhost', port, path: '/', agent: false, ...request }, (response) => {
      text(response).then(resolve, reject);
    }).on('error', reject);
  });
}

const own = { tlsCert: at('server.pem'), tlsKey: at('server.key') };

describe('a server with a certificate', () => {
  it('answers clients that trust its authority, and no others can connect', async () => {
    expect(await asked(own, { ca: ca() })).toBe('yes');
    await expect(asked(own, {})).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });

  it('that names an authority for clients answers only those with its certificates', async () => {
    const mutual = { ...own, tlsClientCa: at('ca.pem') };
    const client = { cert: readFileSync(at('client.pem')), key: readFileSync(at('client.key')) };
    expect(await asked(mutual, { ca: ca(), ...client })).toBe('yes');
    await expect(asked(mutual, { ca: ca() })).rejects.toMatchObject({ code: expect.any(String) as string });
  });

  it('does not speak TLS 1.1', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(asked(own, { ca: ca(), ...old })).rejects.toMatchObject({
      code: expect.any(String) as string,
    });
  });
});

it.each<readonly [string, TlsOptions, string]>([
  ['a certificate without its key', { tlsCert: at('server.pem') }, '--tls-key'],
  ['an authority alone', { tlsClientCa: at('ca.pem') }, '--tls-cert'],
  ['a file that is not there', { ...own, tlsKey: at('none') }, '--tls-key'],
  ['the key of another certificate', { ...own, tlsKey: at('client.key') }, 'server.pem'],
  ['a file without a certificate', { ...own, tlsCert: at('names') }, 'names'],
])('%s is wrong usage', (_, options, where) => {
  expect(() => certificateOf(options)).toThrow(
    expect.objectContaining({
      code: 'USAGE',
      details: expect.objectContaining({ where: expect.stringContaining(where) as string }) as object,
    }) as Error,
  );
});
