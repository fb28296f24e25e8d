/**
 * What metrics and traces cost: the same runs on a stack that is asked for metrics every two seconds and sends its
 * traces, and on one that does neither, in turn.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { down } from '../infra/stack/down.ts';
import { choosePorts } from '../infra/stack/ports.ts';
import { up } from '../infra/stack/up.ts';
import { smallRun } from './small-run.ts';
import { median, rounded } from './statistics.ts';

const roundCount = 5;
const stepCount = 40;

export async function bench(log: (line: string) => void) {
  const collector = createServer((request, response) => {
    request.resume().on('end', () => response.end('{}'));
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const [metricsPort = 0] = await choosePorts([undefined]);
  const homes = { on: await mkdtemp(join(tmpdir(), 'mtrl-on-')), off: await mkdtemp(join(tmpdir(), 'mtrl-off-')) };
  const telemetry = {
    MTRL_METRICS_ADDRESS: `127.0.0.1:${String(metricsPort)}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${String((collector.address() as AddressInfo).port)}`,
  };
  const scrape = setInterval(() => {
    for (const port of [metricsPort, metricsPort + 1]) {
      fetch(`http://127.0.0.1:${String(port)}/metrics`)
        .then((response) => response.text())
        .catch(() => undefined);
    }
  }, 2_000);
  try {
    const stackOf = (kind: 'on' | 'off') =>
      up({
        workers: true,
        home: homes[kind],
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...(kind === 'on' && telemetry) },
        usualPorts: false,
        log,
      });
    const stacks = { on: await stackOf('on'), off: await stackOf('off') };
    const wallMs = { on: [] as number[], off: [] as number[] };
    // The first round makes processes warm and counts for nothing.
    for (let round = 0; round <= roundCount; round++) {
      for (const kind of round % 2 === 0 ? (['on', 'off'] as const) : (['off', 'on'] as const)) {
        const spec = { name: 'bench-telemetry', seed: round, stepCount };
        const took = await smallRun(stacks[kind], spec, (run) => run.wallMs);
        if (round > 0) wallMs[kind].push(rounded(took));
        log(`round ${String(round)}, ${kind}: ${String(rounded(took))} ms`);
      }
    }
    const pairs = wallMs.on.map((on, i) => on / (wallMs.off[i] ?? Number.NaN));
    return { stepCount, wallMs, onOverOffMedian: Math.round(median(pairs) * 1000) / 1000 };
  } finally {
    clearInterval(scrape);
    collector.close();
    for (const home of Object.values(homes)) {
      await down({ home, graceMs: 5_000, log });
      await rm(home, { recursive: true, force: true });
    }
  }
}
