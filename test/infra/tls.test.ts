/**
 * Temporal behind TLS, like someone else's cluster: a terminating proxy that requires a client certificate, in front of
 * a real server.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Env } from '../../infra/stack/env.ts';
import { connectionOptions, temporalOverride } from '../../infra/stack/temporal-settings.ts';
import { prepareNamespace } from '../../infra/stack/temporal.ts';
import { useStack } from '../support/stack.ts';

const stack = useStack();
const folder = mkdtempSync(join(tmpdir(), 'mtrl-tls-'));
const at = (name: string): string => join(folder, name);
const open = new Set<Socket>();
let proxy: Server;
let address: string;

beforeAll(async () => {
  makeCertificates();
  const port = Number(stack.settings.temporal.address.split(':')[1]);
  const certificates = { cert: readFileSync(at('server.pem')), key: readFileSync(at('server.key')) };
  const clients = { ca: readFileSync(at('ca.pem')), requestCert: true, rejectUnauthorized: true };
  proxy = createServer({ ...certificates, ...clients, ALPNProtocols: ['h2'] }, (client) => {
    const server = connectTcp(port, '127.0.0.1');
    for (const socket of [client, server]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
    }
    client.pipe(server).pipe(client);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  address = `localhost:${String((proxy.address() as AddressInfo).port)}`;
});

afterAll(() => {
  for (const socket of open) socket.destroy();
  proxy.close();
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

function makeCertificates(): void {
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  };
  const made = ['-newkey', 'rsa:2048', '-nodes'];
  openssl('req', '-x509', ...made, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test authority');
  writeFileSync(at('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  for (const name of ['server', 'client']) {
    openssl('req', ...made, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...signed);
  }
}
