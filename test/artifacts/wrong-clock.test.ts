/** A machine whose clock is hours off works with a real MinIO, which refuses signatures with a wrong time. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import type { ObjectStore } from '../../artifacts/store/object-store.ts';
import { openArtifactStore, openObjectStore } from '../../artifacts/store/open-store.ts';
import { useStack } from '../support/stack.ts';
import { collect } from './store-suite.ts';

const stack = useStack();
const hourMs = 60 * 60_000;

afterEach(() => {
  vi.useRealTimers();
});

it.for([3, -3])('uses the store time for signatures and ages if the clock is %i hours off', async (hours) => {
  const trueMs = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: trueMs + hours * hourMs });
  const { s3 } = stack.settings;
  // Each client learns the store's time through a different first request.
  expect(await collect(openObjectStore(s3).list('nothing/'))).toEqual([]);
  expect(await openObjectStore(s3).head('nothing')).toBeUndefined();
  const objects = openObjectStore(s3);
  await objects.put('clock/a', Buffer.from('a'));
  const hoursOff = Math.round(Math.abs((await objects.timeMs()) - trueMs) / hourMs);
  expect(hoursOff).toBe(0);
  // Known before the clock is set, its time is asked for again.
  vi.setSystemTime(trueMs - hours * hourMs);
  const hoursOffLater = Math.round(Math.abs((await objects.timeMs()) - trueMs) / hourMs);
  expect(hoursOffLater).toBe(0);
  expect(await collect(objects.list('nothing/'))).toEqual([]);
  const store = openArtifactStore(s3, { cacheByteLengthMax: 0 });
  const ref = await store.putBytes(Buffer.alloc(3 << 20, hours + 10));
  const touch = vi.spyOn(store.objects, 'touch');
  await store.putBytes(Buffer.alloc(3 << 20, hours + 10));
  expect(touch).not.toHaveBeenCalled();
  expect((await store.getBytes(ref)).byteLength).toBe(3 << 20);
});

it('asks again after a broken connection and again by the store time, as on a machine that wakes up', async () => {
  const trueMs = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: trueMs });
  const answers: ServerAnswer[] = [
    { status: 404, atMs: trueMs },
    'broken',
    { status: 403, atMs: trueMs },
    { status: 404, atMs: trueMs },
  ];
  await withServer(answers, async (objects) => {
    expect(await objects.head('a')).toBeUndefined();
    vi.setSystemTime(trueMs + 3 * hourMs);
    expect(await objects.head('a')).toBeUndefined();
  });
  expect(answers).toEqual([]);
});

it('reports a clock skew, not credentials, if a clock moves on between two refusals without a reason', async () => {
  const answers: ServerAnswer[] = [1, 2].map((hours) => ({ status: 403, atMs: Date.now() + hours * hourMs }));
  await withServer(answers, async (objects) => {
    await expect(objects.head('a')).rejects.toMatchObject({ code: 'CLOCK_SKEWED', retryable: true });
  });
});

it('reports a clock skew, retryable on another machine, if the store refuses the corrected time too', async () => {
  const xml = '<Error><Code>RequestTimeTooSkewed</Code><Message>too far</Message></Error>';
  const answers: ServerAnswer[] = [1, 2].map(() => ({ status: 403, atMs: Date.now() + 2 * hourMs, body: xml }));
  await withServer(answers, async (objects) => {
    await expect(objects.get('a')).rejects.toMatchObject({
      code: 'CLOCK_SKEWED',
      kind: 'worker',
      retryable: true,
      details: { found: expect.stringMatching(/7\d\d\d s ahead/) as string },
    });
  });
});

/** `broken`: the connection ends without an answer. `atMs`: the server's clock. */
type ServerAnswer = 'broken' | { readonly status: number; readonly atMs: number; readonly body?: string };

/** A server that gives these answers in turn, each once. */
async function withServer(answers: ServerAnswer[], body: (objects: ObjectStore) => Promise<void>): Promise<void> {
  const server = createServer(({ socket }, answer) => {
    const next = answers.shift();
    if (next === undefined || next === 'broken') socket.destroy();
    else answer.writeHead(next.status, { date: new Date(next.atMs).toUTCString() }).end(next.body);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const endpoint = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  try {
    await body(openObjectStore({ ...stack.settings.s3, endpoint }));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
