import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AssumeRoleProvider } from 'minio/dist/esm/AssumeRoleProvider.mjs';
import { describe, expect, it } from 'vitest';
import { openObjectStore } from '../../artifacts/store/open-store.ts';
import type { ObjectStore } from '../../artifacts/store/object-store.ts';
import { conditionalWrites } from '../../infra/stack/conditional-writes.ts';
import { refreshesAge } from '../../infra/stack/refreshed-age.ts';
import { needVersitygw } from '../support/needs.ts';
import { useStack } from '../support/stack.ts';
import { useVersitygw } from '../support/versitygw.ts';
import { registrySuite } from './registry-suite.ts';
import { collect, storeSuite } from './store-suite.ts';

const stack = useStack();
const versitygw = await needVersitygw();

describe('S3 store on MinIO', () => {
  storeSuite(() => openObjectStore(stack.settings.s3));
  registrySuite(() => openObjectStore(stack.settings.s3));

  it.for([
    { wrong: { accessKey: 'nobody' }, says: 'AWS_ACCESS_KEY_ID' },
    { wrong: { secretKey: 'not the secret' }, says: 'AWS_SECRET_ACCESS_KEY' },
    { wrong: { bucket: 'no-such-bucket' }, says: 'MTRL_S3_BUCKET' },
  ])('names the wrong setting ($wrong) and the variable to set', async ({ wrong, says }) => {
    const objects = openObjectStore({ ...stack.settings.s3, ...wrong });
    const refused = { code: 'STORE_REFUSED', details: { hint: expect.stringContaining(says) as string } };
    await expect(objects.putIfAbsent('a', new Uint8Array(1))).rejects.toMatchObject(refused);
    await expect(objects.get('a')).rejects.toMatchObject(refused);
    await expect(collect(objects.list('a'))).rejects.toMatchObject(refused);
  });

  it('writes an object of 40 MB in one PUT and reads it back', async () => {
    const objects = openObjectStore(stack.settings.s3);
    const bytes = Buffer.alloc(40_000_000, 7);
    await objects.put('large', bytes);
    expect(Buffer.from((await objects.get('large')) ?? []).equals(bytes)).toBe(true);
  });
});

describe('the key of a role, on MinIO', () => {
  const keys = ['blobs/a', 'manifests/a', 'leases/a', 'experiments/a.json', 'promotions/a.json', 'labels/a.json'];

  /** A store with a temporary key that may do what the role's policy allows. */
  async function storeOf(role: string): Promise<ObjectStore> {
    const { endpoint, bucket, accessKey, secretKey, region } = stack.settings.s3;
    const policy = readFileSync(`infra/policies/${role}.json`, 'utf8').replaceAll('s3:::mtrl', `s3:::${bucket}`);
    const asked = { stsEndpoint: endpoint, accessKey, secretKey, region, durationSeconds: 3_600 };
    const key = await new AssumeRoleProvider({ ...asked, policy, action: 'AssumeRole' }).getCredentials();
    const [accessKeyId, secret, token = ''] = [key.getAccessKey(), key.getSecretKey(), key.getSessionToken()];
    const temporary = { accessKey: accessKeyId, secretKey: secret, sessionToken: token };
    return openObjectStore({ ...stack.settings.s3, ...temporary });
  }

  it.for([
    { role: 'worker', writes: keys.slice(0, 5), removes: ['leases/a'] },
    { role: 'studio', writes: keys.slice(0, 3), removes: ['leases/a'] },
    { role: 'studio-labels', writes: [...keys.slice(0, 3), 'labels/a.json'], removes: ['leases/a'] },
    { role: 'operator', writes: keys, removes: keys },
  ])('$role: reads all, writes and removes only what its work needs', async ({ role, writes, removes }) => {
    const whole = openObjectStore(stack.settings.s3);
    const own = await storeOf(role);
    const allowed = { writes: [] as string[], removes: [] as string[] };
    for (const key of keys) {
      await whole.put(key, Buffer.from('before'));
      expect(Buffer.from((await own.get(key)) ?? []).toString(), key).toBe('before');
      if (await isDone(own.put(key, Buffer.from('after')))) allowed.writes.push(key);
      await own.remove([key]).catch(() => undefined);
      if ((await whole.head(key)) === undefined) allowed.removes.push(key);
    }
    expect(allowed).toEqual({ writes, removes });
  });

  async function isDone(work: Promise<unknown>): Promise<boolean> {
    try {
      await work;
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'STORE_REFUSED' });
      return false;
    }
  }
});

describe.skipIf(versitygw.isMissing)('S3 store on versitygw', () => {
  const server = useVersitygw(versitygw);
  storeSuite(() => openObjectStore(server.settings), { refreshesAge: false });
  registrySuite(() => openObjectStore(server.settings));

  it('honours both conditional writes', async () => {
    expect(await conditionalWrites(server.settings)).toEqual({ ifNoneMatch: true, ifMatch: true });
  });

  it('does not refresh ages, as `mtrl doctor` says', async () => {
    expect(await refreshesAge(server.settings)).toBe(false);
    expect(await refreshesAge(stack.settings.s3)).toBe(true);
  });
});

describe('S3 store without a server', () => {
  it('names an unreachable endpoint in a retryable error', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const endpoint = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    await new Promise((resolve) => server.close(resolve));
    const objects = openObjectStore({
      endpoint,
      accessKey: 'key',
      secretKey: 'secret',
      bucket: 'mtrl',
      region: 'us-east-1',
    });
    const unreachable = {
      code: 'STORE_UNREACHABLE',
      retryable: true,
      details: { where: expect.stringContaining(endpoint) as string },
    };
    await expect(objects.get('a')).rejects.toMatchObject(unreachable);
    await expect(objects.head('a')).rejects.toMatchObject(unreachable);
    await expect(objects.putIfAbsent('a', new Uint8Array(1))).rejects.toMatchObject(unreachable);
    await expect(collect(objects.list(''))).rejects.toMatchObject(unreachable);
  });

  it('repeats a request whose keep-alive connection broke', async () => {
    let requestCount = 0;
    const server = createServer((request, response) => {
      requestCount++;
      if (requestCount === 1) request.socket.resetAndDestroy();
      else response.end('hello');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      const endpoint = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
      const objects = openObjectStore({
        endpoint,
        accessKey: 'key',
        secretKey: 'secret',
        bucket: 'mtrl',
        region: 'us-east-1',
      });
      expect(Buffer.from((await objects.get('a')) ?? []).toString()).toBe('hello');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
