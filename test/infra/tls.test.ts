/**
 * Temporal and the store behind TLS, like someone else's: terminating proxies with a certificate of their own, in front of
 * real servers. That of Temporal requires a certificate of the client.
 */
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server, type TlsOptions } from 'node:tls';
import { Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openObjectStore } from '../../artifacts/store/open-store.ts';
import type { Env } from '../../infra/stack/env.ts';
import { ensureBucket } from '../../infra/stack/minio.ts';
import { s3Override } from '../../infra/stack/s3-settings.ts';
import { connectionOptions, temporalOverride } from '../../infra/stack/temporal-settings.ts';
import { prepareNamespace } from '../../infra/stack/temporal.ts';
import { makeCertificates } from '../support/certificates.ts';
import { useStack } from '../support/stack.ts';

const stack = useStack();
const folder = mkdtempSync(join(tmpdir(), 'mtrl-tls-'));
const at = (name: string): string => join(folder, name);
const open = new Set<Socket>();
const proxies: Server[] = [];
let address: string;

beforeAll(async () => {
  makeCertificates(folder);
  const port = Number(stack.settings.temporal.address.split(':')[1]);
  const clients = { ca: readFileSync(at('ca.pem')), requestCert: true, rejectUnauthorized: true };
  address = await behindTls(port, { ...clients, ALPNProtocols: ['h2'] });
});

/** Returns the address of a proxy in front of a port of this machine. */
async function behindTls(port: number, options: TlsOptions = {}): Promise<string> {
  const certificate = { cert: readFileSync(at('server.pem')), key: readFileSync(at('server.key')) };
  const proxy = createServer({ ...certificate, ...options }, (client) => {
    const server = connectTcp(port, '127.0.0.1');
    for (const socket of [client, server]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
    }
    client.pipe(server).pipe(client);
  });
  proxies.push(proxy);
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return `localhost:${String((proxy.address() as AddressInfo).port)}`;
}

afterAll(() => {
  for (const socket of open) socket.destroy();
  for (const proxy of proxies) proxy.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a Temporal behind TLS', () => {
  it('is reached by client and worker with the certificates that the variables name', async () => {
    await expectReached({
      TEMPORAL_ADDRESS: address,
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: at('ca.pem'),
      TEMPORAL_TLS_CLIENT_CERT_PATH: at('client.pem'),
      TEMPORAL_TLS_CLIENT_KEY_PATH: at('client.key'),
    });
  });

  it('is reached with the profile of a configuration file', async () => {
    writeFileSync(
      at('temporal.toml'),
      `[profile.team]
address = "${address}"
namespace = "default"
[profile.team.tls]
server_ca_cert_path = "${at('ca.pem')}"
client_cert_path = "${at('client.pem')}"
client_key_path = "${at('client.key')}"
`,
    );
    await expectReached({ TEMPORAL_CONFIG_FILE: at('temporal.toml'), TEMPORAL_PROFILE: 'team' });
  });

  it('refuses a client without a certificate, with its address and what to check', async () => {
    const env = { TEMPORAL_ADDRESS: address, TEMPORAL_TLS_SERVER_CA_CERT_PATH: at('ca.pem') };
    const settings = temporalOverride(env);
    await expect(prepareNamespace(settings ?? fail(), false)).rejects.toMatchObject({
      code: 'TEMPORAL_UNREACHABLE',
      details: { where: expect.stringContaining(address) as string },
    });
  });
});

describe('a store behind TLS', () => {
  const envFor = async (extra: Env): Promise<Env> => {
    const { endpoint, accessKey, secretKey } = stack.settings.s3;
    const place = await behindTls(Number(new URL(endpoint).port));
    return {
      ...{ MTRL_S3_ENDPOINT: `https://${place}`, AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey },
      ...extra,
    };
  };

  it('is written and read with the authority that AWS_CA_BUNDLE names', async () => {
    const settings = s3Override(await envFor({ AWS_CA_BUNDLE: at('ca.pem') })) ?? fail();
    await ensureBucket(settings, false);
    const objects = openObjectStore(settings);
    await objects.put('over-tls', Buffer.from('bytes'));
    expect(Buffer.from((await objects.get('over-tls')) ?? []).toString()).toBe('bytes');
  });

  it('is not trusted without it', async () => {
    const settings = s3Override(await envFor({})) ?? fail();
    await expect(openObjectStore(settings).get('over-tls')).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      details: {
        where: expect.stringContaining(settings.endpoint) as string,
        hint: expect.stringContaining('AWS_CA_BUNDLE') as string,
      },
    });
  });

  it.each(['no-such-file', 'server.key'])('needs certificates in the file: %s', async (name) => {
    const env = await envFor({ AWS_CA_BUNDLE: at(name) });
    expect(() => s3Override(env)).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
  });
});

async function expectReached(env: Env): Promise<void> {
  const settings = temporalOverride(env) ?? fail();
  for (const kind of [Connection, NativeConnection]) {
    const connection = await kind.connect(connectionOptions(settings));
    try {
      const { serverVersion } = await connection.workflowService.getSystemInfo({});
      expect(serverVersion).not.toBe('');
    } finally {
      await connection.close();
    }
  }
}

function fail(): never {
  throw new Error('the environment names a server');
}
