/** A stack belongs to one checkout: two stacks side by side, and one whose files were copied, emptied or damaged. */
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openArtifactStore } from '../../artifacts/store/open-store.ts';
import { livingDaemon, pidFileOf, readDaemon } from '../../infra/process/daemon.ts';
import { isAlive } from '../../infra/process/identity.ts';
import { doctor } from '../../infra/doctor/doctor.ts';
import { down } from '../../infra/stack/down.ts';
import { homeError } from '../../infra/stack/home-errors.ts';
import { readSettings, type StackSettings } from '../../infra/stack/settings.ts';
import { changeStackFile, readStackFile } from '../../infra/stack/stack-file.ts';
import { proveStore } from '../../infra/stack/store-proof.ts';
import { proveTemporal } from '../../infra/stack/temporal-proof.ts';
import { withConnection } from '../../infra/stack/temporal.ts';
import { up } from '../../infra/stack/up.ts';
import { type Ended, mtrlOn } from '../support/commands.ts';
import { useStack } from '../support/stack.ts';

const servers = ['temporal', 'minio'] as const;
const silent = (): void => undefined;
const portOf = (address: string): number => Number(/:(\d+)$/.exec(address)?.[1]);

function kill(home: string, ...names: readonly ('temporal' | 'minio')[]): Promise<void> {
  const records = names.flatMap((name) => livingDaemon(home, name) ?? []);
  for (const { pid } of records) process.kill(pid, 'SIGKILL');
  return expect.poll(() => records.some(isAlive)).toBe(false);
}

/** Gives another stack our ports for its next `up`, as if it were started while ours is down. */
function giveTo(home: string, { temporal, s3 }: StackSettings): void {
  changeStackFile(home, (file) => ({
    ...file,
    ...(file.temporal && { temporal: { ...file.temporal, port: portOf(temporal.address) } }),
    ...(file.s3 && { s3: { ...file.s3, port: portOf(s3.endpoint) } }),
  }));
}

describe('two checkouts side by side', () => {
  const mine = useStack();
  const other = useStack();

  it('have queues, namespaces and credentials of their own', () => {
    const [a, b] = [mine.settings, other.settings];
    expect(a.taskQueues.control).toMatch(/^mtrl-[0-9a-f]{8}$/);
    expect(a.taskQueues.control).not.toBe(b.taskQueues.control);
    expect(a.temporal.proof?.namespaceId).toMatch(/^[0-9a-f-]{36}$/);
    expect(a.temporal.proof?.namespaceId).not.toBe(b.temporal.proof?.namespaceId);
    expect(a.s3.accessKey).not.toBe(b.s3.accessKey);
  });

  it('detect a killed server whose port the other took, and `up` moves it to a free port', async () => {
    const { home } = mine.settings;
    const before = mine.settings;
    await openArtifactStore(before.s3).objects.put('kept', new Uint8Array([1]));
    await down({ home: other.settings.home, log: silent });
    await kill(home, ...servers);
    giveTo(other.settings.home, before);
    await other.up();

    const proof = withConnection(before.temporal, 5_000, (connection) => proveTemporal(connection, before.temporal));
    await expect(proof).rejects.toMatchObject({
      code: 'SERVER_FOREIGN',
      details: { where: before.temporal.address, found: expect.stringContaining(other.settings.home) as string },
    });
    await expect(proveStore(before.s3)).rejects.toMatchObject({ code: 'SERVER_FOREIGN' });
    const status: Ended = await mtrlOn(home, ['status']);
    expect(status).toMatchObject({ code: 1, err: expect.stringContaining('SERVER_FOREIGN') as string });
    const { checks } = await doctor(before);
    for (const name of ['temporal server', 'store'])
      expect(checks.find((check) => check.name === name)?.found).toContain("not this stack's");

    const after = await mine.up();
    expect(after.temporal.address).not.toBe(before.temporal.address);
    expect(after.s3.endpoint).not.toBe(before.s3.endpoint);
    expect(after.taskQueues).toEqual(before.taskQueues);
    expect(after.temporal.proof).toEqual(before.temporal.proof);
    expect(await openArtifactStore(after.s3).objects.get('kept')).toEqual(Buffer.from([1]));
    expect(readSettings({ home, env: {} })).toEqual(after);
    expect(await mtrlOn(home, ['status'])).toMatchObject({ code: 0 });
  });

  it('a refusal by a store that shares the port with ours is retryable, too', async () => {
    const { s3 } = readSettings({ home: mine.settings.home, env: {} });
    const { endpoint } = readSettings({ home: other.settings.home, env: {} }).s3;
    // The request reaches the other store, and the proof reaches ours.
    const store = openArtifactStore({ ...s3, endpoint }, { prove: () => proveStore(s3) });
    await expect(store.objects.get('kept')).rejects.toMatchObject({
      ...{ code: 'SERVER_FOREIGN', retryable: true },
      message: expect.stringContaining('another server answers some of the requests') as unknown,
    });
  });

  it('a refusal by the other store is retryable for our client', async () => {
    const s3 = { ...mine.settings.s3, endpoint: readSettings({ home: other.settings.home, env: {} }).s3.endpoint };
    const store = openArtifactStore(s3, { prove: () => proveStore(s3) });
    await expect(store.objects.get('kept')).rejects.toMatchObject({ code: 'SERVER_FOREIGN', retryable: true });
    await expect(store.objects.put('new', new Uint8Array(1))).rejects.toMatchObject({ code: 'SERVER_FOREIGN' });
    const configured = openArtifactStore(
      { ...s3 },
      { prove: () => proveStore({ ...s3, consoleUrl: undefined, isLocal: false }) },
    );
    await expect(configured.objects.get('kept')).rejects.toMatchObject({ code: 'STORE_REFUSED', retryable: false });
  });
});

describe('a stack of its own', () => {
  const stack = useStack();
  let stranger: Server | undefined;
  afterEach(() => {
    stranger?.close();
  });

  it('moves from a port that another program has taken', async () => {
    const { home } = stack.settings;
    const { s3 } = readSettings({ home, env: {} });
    await down({ home, log: silent });
    stranger = createServer();
    await new Promise<void>((done) => stranger?.listen(portOf(s3.endpoint), '127.0.0.1', done));
    const moved = await stack.up();
    expect(moved.s3.endpoint).not.toBe(s3.endpoint);
    expect(moved.s3.accessKey).toBe(s3.accessKey);
    expect(stranger.listening).toBe(true);
    await proveStore(moved.s3);
  });

  it('whose folder is copied leaves the servers of the original alone', async () => {
    const { home } = stack.settings;
    const copy = join(mkdtempSync(join(tmpdir(), 'mtrl-copy-')), 'home');
    try {
      cpSync(home, copy, { recursive: true, filter: (path) => !path.endsWith('.sock') });
      expect(() => readSettings({ home: copy, env: {} })).toThrow(expect.objectContaining({ code: 'SETUP_FAILED' }));
      await down({ home: copy, log: silent });
      for (const name of servers) expect(livingDaemon(home, name)).toBeDefined();
      const settings = await up({ workers: false, home: copy, env: {}, usualPorts: false, log: silent });
      expect(settings.temporal.address).not.toBe(readSettings({ home, env: {} }).temporal.address);
    } finally {
      await down({ home: copy, graceMs: 0, log: silent });
      rmSync(copy, { recursive: true, force: true });
    }
  });

  it('with emptied pid files starts no second server, and `down` leaves no orphan', async () => {
    const { home } = stack.settings;
    await stack.up();
    const first = servers.flatMap((name) => readDaemon(home, name) ?? []);
    for (const name of servers) truncateSync(pidFileOf(home, name));
    await stack.up();
    expect(first.some(isAlive)).toBe(false);
    const second = servers.flatMap((name) => readDaemon(home, name) ?? []);
    writeFileSync(pidFileOf(home, 'minio'), '{"pid": "garbled');
    rmSync(pidFileOf(home, 'temporal'));
    await down({ home, log: silent });
    expect(second.map(isAlive)).toEqual([false, false]);
  });

  it.each([
    ['temporal', 'temporal.db', 'temporal.db'],
    ['minio', 'minio', join('minio', '.minio.sys', 'format.json')],
  ] as const)(
    'names the damaged data of %s, and starts with fresh data once they are set aside',
    async (name, data, file) => {
      const { home } = stack.settings;
      await stack.up();
      await down({ home, log: silent });
      writeFileSync(join(home, file), 'x'.repeat(5_000));
      for (const rest of ['-wal', '-shm']) rmSync(join(home, `${file}${rest}`), { force: true });
      await expect(stack.up()).rejects.toMatchObject({
        code: 'DATA_DAMAGED',
        details: {
          where: join(home, data),
          hint: expect.stringContaining(`up --set-aside ${name}`) as string,
        },
      });
      const queue = readStackFile(home)?.taskQueue;
      await up({ workers: false, home, env: {}, usualPorts: false, log: silent, setAside: name });
      expect(readdirSync(join(home, 'set-aside', `${name}-1`))).toContain(data);
      expect(readStackFile(home)?.taskQueue).toBe(queue);
      const settings = readSettings({ home, env: {} });
      await withConnection(settings.temporal, 5_000, (connection) => proveTemporal(connection, settings.temporal));
    },
  );
});

describe('a home that cannot be written', () => {
  it('is a coded error with the path, from `up` and `down`', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'mtrl-home-')), 'file');
    writeFileSync(file, '');
    const home = join(file, '.mtrl');
    await expect(up({ workers: false, home, env: {}, log: silent })).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      details: { hint: expect.stringContaining(home) as string },
    });
    expect(existsSync(home)).toBe(false);
  });

  it.each(['EROFS', 'EACCES', 'ENOSPC'])('%s names the path and MTRL_HOME', (code) => {
    const error = Object.assign(new Error(`${code}: open`), { code, path: '/stack/run/lock.1' });
    expect(homeError('/stack', error)).toMatchObject({
      code: 'SETUP_FAILED',
      details: { where: '/stack/run/lock.1', hint: expect.stringContaining('MTRL_HOME') as string },
    });
  });
});
