/**
 * The cost of metrics and traces: short runs whose steps are the demo's, alternately on a stack that is scraped as
 * infra/observability/prometheus.yaml configures and exports traces, and on one without either. Reports wall time,
 * which other load on the machine affects, and the processor time of each process.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { once } from 'node:events';
import { cacheRoot } from '../infra/binaries/cache.ts';
import { down } from '../infra/stack/down.ts';
import { choosePorts } from '../infra/stack/ports.ts';
import type { StackSettings } from '../infra/stack/settings.ts';
import { up } from '../infra/stack/up.ts';
import { workflowBundle } from '../workers/workflow-bundle.ts';
import type { BenchOptions } from './main.ts';
import { stepFigures } from './orchestration.ts';
import { difference, type ProcessorTimesMs, processorTimesMs } from './processor-time.ts';
import { smallRun } from './small-run.ts';
import { median, rounded } from './statistics.ts';

const standardRoundCount = 5;
const stepCount = 40;
const scrapeEveryMs = 10_000;

type Kind = 'on' | 'off';

interface Round {
  readonly wallMs: number;
  /** Median wall time of its steps. */
  readonly stepMs: number;
  readonly processorMs: ProcessorTimesMs;
}

interface Stack {
  readonly home: string;
  readonly settings: StackSettings;
  /** Processor time from process start until the workers poll. */
  readonly startMs: ProcessorTimesMs;
}

export async function bench(
  log: (line: string) => void,
  { roundCount = standardRoundCount }: Pick<BenchOptions, 'roundCount'>,
) {
  // Bundled once per change of the workflows, so not part of a start.
  for (const traced of [true, false]) await workflowBundle(join(dirname(cacheRoot()), 'bundles'), { traced });
  const collector = await startCollector();
  const [metricsPort = 0] = await choosePorts([undefined]);
  const telemetry = {
    MTRL_METRICS_ADDRESS: `127.0.0.1:${String(metricsPort)}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${String((collector.address() as AddressInfo).port)}`,
  };
  const stopScraping = scrape([metricsPort, metricsPort + 1]);
  const homes: string[] = [];
  const start = async (kind: Kind): Promise<Stack> => {
    const home = await mkdtemp(join(tmpdir(), `mtrl-${kind}-`));
    homes.push(home);
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...(kind === 'on' && telemetry) };
    const settings = await up({ workers: true, home, env, usualPorts: false, log });
    return { home, settings, startMs: processorTimesMs(home) };
  };
  try {
    const stacks = { on: await start('on'), off: await start('off') };
    const rounds: Record<Kind, Round[]> = { on: [], off: [] };
    // The first round warms up the processes and is not counted.
    for (let round = 0; round <= roundCount; round++) {
      for (const kind of round % 2 === 0 ? (['on', 'off'] as const) : (['off', 'on'] as const)) {
        const measured = await measure(stacks[kind], round);
        if (round > 0) rounds[kind].push(measured);
        log(`round ${String(round)}, ${kind}: ${JSON.stringify(measured)}`);
      }
    }
    return { stepCount, roundCount, ...figuresOf(rounds, stacks) };
  } finally {
    stopScraping();
    collector.close();
    for (const home of homes) {
      await down({ home, graceMs: 5_000, log });
      await rm(home, { recursive: true, force: true });
    }
  }
}

async function measure({ home, settings }: Stack, seed: number): Promise<Round> {
  const before = processorTimesMs(home);
  const spec = { name: 'bench-telemetry', seed, stepCount };
  return smallRun(settings, spec, async ({ client, runId, wallMs }) => {
    const processorMs = difference(processorTimesMs(home), before);
    const { wallMedianMs: stepMs } = await stepFigures(client, runId);
    return { wallMs: rounded(wallMs), stepMs, processorMs };
  });
}

function figuresOf(rounds: Readonly<Record<Kind, readonly Round[]>>, stacks: Readonly<Record<Kind, Stack>>) {
  const of = (kind: Kind, read: (round: Round) => number): number => rounded(median(rounds[kind].map(read)));
  const compared = (read: (round: Round) => number) => {
    const [on, off] = [of('on', read), of('off', read)];
    return { on, off, onOverOff: Math.round((on / off) * 1000) / 1000 };
  };
  return {
    runWallMs: compared(({ wallMs }) => wallMs),
    stepWallMs: compared(({ stepMs }) => stepMs),
    /** Per run. The engine is not traced: its ratio shows how comparable both sides were otherwise. */
    processorMs: {
      control: compared(({ processorMs }) => processorMs.control),
      compute: compared(({ processorMs }) => processorMs.compute),
      engine: compared(({ processorMs }) => processorMs.engine),
      temporal: compared(({ processorMs }) => processorMs.temporal),
    },
    /**
     * Processor time that telemetry adds in both workers, as a share of the wall time: an upper bound of the slowdown.
     */
    addedShareOfWall: addedShare(rounds),
    startProcessorMs: { on: workersMs(stacks.on.startMs), off: workersMs(stacks.off.startMs) },
  };
}

function addedShare({ on, off }: Readonly<Record<Kind, readonly Round[]>>): number {
  const busyMs = (rounds: readonly Round[]): number => median(rounds.map(({ processorMs }) => workersMs(processorMs)));
  const addedMs = busyMs(on) - busyMs(off);
  return Math.round((addedMs / median(off.map(({ wallMs }) => wallMs))) * 10_000) / 10_000;
}

function workersMs({ control, compute }: ProcessorTimesMs): number {
  return control + compute;
}

/** Accepts every export and discards it. */
async function startCollector(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end('{}'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function scrape(ports: readonly number[]): () => void {
  const timer = setInterval(() => {
    for (const port of ports) {
      fetch(`http://127.0.0.1:${String(port)}/metrics`)
        .then((response) => response.text())
        .catch(() => undefined);
    }
  }, scrapeEveryMs);
  return () => {
    clearInterval(timer);
  };
}
