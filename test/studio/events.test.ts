/** Progress of running experiments reaches pages soon, once each, and never piles up for a page that does not read. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunningExperiment } from '../../studio/library.ts';
import { ProgressEvents } from '../../studio/server/events.ts';

let found: RunningExperiment[] = [];
let askedCount = 0;
let events: ProgressEvents;
let server: Server;
let address = '';
let isRefused = false;

beforeEach(async () => {
  [found, askedCount, isRefused] = [[], 0, false];
  const list = (): Promise<readonly RunningExperiment[]> => {
    askedCount++;
    return isRefused ? Promise.reject(new Error('Temporal is down')) : Promise.resolve(found);
  };
  const none = () => Promise.resolve(undefined);
  events = new ProgressEvents({ list, find: none, recipeOf: () => Promise.reject(new Error('unused')) });
  server = createServer((_, response) => {
    if (!events.listen(response)) response.writeHead(503).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
});
afterEach(async () => {
  events.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function experiment(experimentId: string, step: number): RunningExperiment {
  return { experimentId, status: 'RUNNING', progress: { step } as never };
}

/** What arrives, one entry an event. */
async function listening(): Promise<unknown[]> {
  const told: unknown[] = [];
  const response = await fetch(address);
  void (async () => {
    let rest = '';
    for await (const part of response.body ?? []) {
      const pieces = (rest + Buffer.from(part as Uint8Array).toString()).split('\n\n');
      rest = pieces.pop() ?? '';
      for (const piece of pieces) if (piece.startsWith('data: ')) told.push(JSON.parse(piece.slice(6)));
    }
  })().catch(() => undefined);
  return told;
}

test('tells each change once, and the end', async () => {
  found = [experiment('a', 1), experiment('b', 1)];
  const told = await listening();
  await expect.poll(() => told.length).toBe(2);
  found = [experiment('a', 2), experiment('b', 1)];
  await expect.poll(() => told.length).toBe(3);
  found = [experiment('b', 1)];
  await expect.poll(() => told.length).toBe(4);
  expect(told).toEqual([
    experiment('a', 1),
    experiment('b', 1),
    experiment('a', 2),
    { experimentId: 'a', status: 'ENDED' },
  ]);
});

test('a second page starts with what is known, and nobody asks while no page is open', async () => {
  found = [experiment('a', 1)];
  const first = await listening();
  await expect.poll(() => first.length).toBe(1);
  const second = await listening();
  await expect.poll(() => second).toEqual([experiment('a', 1)]);
  server.closeAllConnections();
  await expect
    .poll(async () => {
      const before = askedCount;
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      return askedCount - before;
    })
    .toBe(0);
});

test('goes on when Temporal did not answer for a while', async () => {
  isRefused = true;
  const told = await listening();
  await expect.poll(() => askedCount).toBeGreaterThan(1);
  [isRefused, found] = [false, [experiment('a', 7)]];
  await expect.poll(() => told).toEqual([experiment('a', 7)]);
});

test('a page that does not read gets the newest state and not all between', async () => {
  const big = 'x'.repeat(200_000);
  const state = (step: number): RunningExperiment => ({ ...experiment('a', step), status: `RUNNING ${big}` });
  found = [state(0)];
  const response = await fetch(address);
  for (let step = 1; step <= 200; step++) {
    found = [state(step)];
    const before = askedCount;
    if (step % 50 === 0) await expect.poll(() => askedCount).toBeGreaterThan(before);
  }
  let text = '';
  for await (const part of response.body ?? []) {
    text += Buffer.from(part as Uint8Array).toString();
    if (text.includes('"step":200')) break;
  }
  expect(text.split('data: ').length - 1).toBeLessThanOrEqual(6);
});

test('no more than so many pages listen at once', async () => {
  const all = await Promise.all(Array.from({ length: 33 }, () => fetch(address)));
  expect(all.map(({ status }) => status).filter((status) => status === 503)).toHaveLength(1);
});
