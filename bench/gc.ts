/**
 * Plans a garbage collection over 100,000 objects of runs, half of them referenced: in a folder, and in a MinIO server
 * of its own.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { down } from '../infra/stack/down.ts';
import { up } from '../infra/stack/up.ts';
import type { MeasuredPlan } from './gc-plan.ts';
import { fillStore, objectsAt, type StorePlace } from './gc-store.ts';
import { rounded } from './statistics.ts';

export async function bench(log: (line: string) => void) {
  const home = await mkdtemp(join(tmpdir(), 'mtrl-gc-bench-'));
  try {
    const folder = await figuresOf('folder', { folder: join(home, 'objects') }, log);
    const env = { HOME: process.env['HOME'], PATH: process.env['PATH'] };
    const { s3 } = await up({ workers: false, home, env, usualPorts: false, log });
    return { folder, minio: await figuresOf('MinIO', { s3 }, log), limitSeconds: 60 };
  } finally {
    await down({ home, graceMs: 2_000, log: () => undefined });
    await rm(home, { recursive: true, force: true });
  }
}

async function figuresOf(name: string, place: StorePlace, log: (line: string) => void) {
  log(`${name}: writing`);
  const startedAtMs = performance.now();
  await fillStore(place);
  const writeMs = performance.now() - startedAtMs;
  log(`${name}: planning`);
  const { plan, planMs, peakByteLength, growthByteLength } = await measuredPlan(place);
  return {
    objectCount: plan.objectCount,
    objectCountByPrefix: await countsAt(place),
    garbageCount: plan.garbage.objectCount,
    totalMebibytes: rounded(plan.byteLength / 1024 / 1024),
    writeSeconds: rounded(writeMs / 1_000),
    planSeconds: rounded(planMs / 1_000),
    memoryPeakMebibytes: rounded(peakByteLength / 1024 / 1024),
    memoryGrowthMebibytes: rounded(growthByteLength / 1024 / 1024),
  };
}

async function measuredPlan(place: StorePlace): Promise<MeasuredPlan> {
  const child = fork(new URL('./gc-plan.ts', import.meta.url));
  child.send(place);
  const [measured] = (await once(child, 'message')) as [MeasuredPlan];
  return measured;
}

async function countsAt(place: StorePlace): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for await (const { key } of objectsAt(place).list('')) {
    const prefix = key.split('/', 1)[0] ?? '';
    counts[prefix] = (counts[prefix] ?? 0) + 1;
  }
  return counts;
}
