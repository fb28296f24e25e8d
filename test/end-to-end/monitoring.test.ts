/**
 * Metrics, traces and logs of a real run: a real Prometheus scrapes real workers, and a collector receives their spans.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { logFileOf } from '../../infra/process/daemon.ts';
import { choosePorts } from '../../infra/stack/ports.ts';
import { projectRoot } from '../../core/project.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { needPrometheus } from '../support/needs.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { WholeStack } from './whole-stack.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-monitoring-'));
const observability = join(projectRoot, 'infra', 'observability');
const runId = 'watched/mt-rl/s0';
const needed = needPrometheus();

let stack: WholeStack;
let collector: Server;
const spans: Span[] = [];
let prometheus: ChildProcess | undefined;
let prometheusUrl: string;

beforeAll(async () => {
  const [metricsPort = 0, computeMetricsPort = 0, prometheusPort = 0] = await neighbours();
  collector = await startCollector();
  stack = await WholeStack.start({
    MTRL_METRICS_ADDRESS: `127.0.0.1:${String(metricsPort)}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${String((collector.address() as AddressInfo).port)}`,
    OTEL_BSP_SCHEDULE_DELAY: '200',
  });
  prometheusUrl = `http://127.0.0.1:${String(prometheusPort)}`;
  if (!needed.isMissing) prometheus = await startPrometheus([metricsPort, computeMetricsPort], prometheusPort);
  await stack.startExperiment('watched', watchedRecipe());
  await stack.result('watched');
});

afterAll(async () => {
  prometheus?.kill('SIGKILL');
  await stack.stop();
  collector.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(needed.isMissing)('metrics', () => {
  const dashboard = JSON.parse(readFileSync(join(observability, 'grafana', 'dashboards', 'mtrl.json'), 'utf8')) as {
    readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
  };
  const shown = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => [title, expr] as const),
  );
  const rules = parse(readFileSync(join(observability, 'alerts.yaml'), 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
  };
  const alerts = rules.groups.flatMap((group) => group.rules.map(({ alert, expr }) => [alert, expr] as const));

  // A run without failures has no data for these; everything else must have some.
  const mayBeEmpty = ['Failed attempts', 'MtrlActivitiesFail'];

  it('have rules that Prometheus accepts', () => {
    execFileSync('promtool', ['check', 'rules', join(observability, 'alerts.yaml')], { stdio: 'pipe' });
  });

  it.each([...shown, ...alerts])('have data for %s', async (name, expr) => {
    // Queries what the alert compares, not whether it fires.
    const compared = expr
      .replaceAll('$__rate_interval', '2m')
      .replaceAll('$experiment', '.*')
      .replace(/ [<>] [\d.]+$/, '');
    const rows = await untilRows(compared, mayBeEmpty.includes(name));
    if (!mayBeEmpty.includes(name)) expect(rows, compared).not.toBe(0);
  });
});

it('connects spans from a workflow through its activities to the engine', async () => {
  const names = await untilLine(['engine sample', 'RunActivity:step'], 'RunWorkflow:experiment');
  expect(names.slice(0, 3)).toEqual(['engine sample', 'RunActivity:step', 'StartActivity:step']);
  expect(names).toContain('RunWorkflow:run');
  expect(names.at(-1)).toBe('RunWorkflow:experiment');
});

it('logs run, arm and step of every activity', () => {
  const lines = readFileSync(logFileOf(stack.home, 'compute'), 'utf8').trim().split('\n');
  const steps = lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ activity, msg }) => activity === 'step' && msg === 'activity ended');
  expect(steps.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(steps[0]).toMatchObject({ workflow: runId, experiment: 'watched', arm: 'mt-rl', seed: 0, cached: false });
});

function watchedRecipe(): RecipeInput {
  const recipe = tinyRecipe({ sftStepCount: 30, grpoStepCount: 6 });
  const arm = recipe.arms['mt-rl'];
  return { ...recipe, arms: { ...recipe.arms, 'mt-rl': { ...arm, klCoefficient: 0.01 } as NonNullable<typeof arm> } };
}

interface Span {
  readonly name: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

/** A collector of OTLP over HTTP, as JSON. */
async function startCollector(): Promise<Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as {
        resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
      };
      spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Returns the line from a span named `bottom` to `top`. Parent spans arrive later, from other processes. */
async function untilLine(bottom: readonly string[], top: string): Promise<string[]> {
  for (let triesLeft = 100; ; triesLeft--) {
    const lines = spans.filter(({ name }) => name === bottom[0]).map((span) => lineOf(span).map(({ name }) => name));
    const names = lines.find((line) => bottom.every((name, i) => line[i] === name)) ?? [];
    if (names.at(-1) === top || triesLeft === 0) return names;
    await sleep(100);
  }
}

/** A span and its ancestors. */
function lineOf(span: Span): Span[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
  return parent ? [span, ...lineOf(parent)] : [span];
}

async function startPrometheus(metricsPorts: readonly number[], port: number): Promise<ChildProcess> {
  const config = parse(readFileSync(join(observability, 'prometheus.yaml'), 'utf8')) as Record<string, unknown>;
  const targets = metricsPorts.map((metricsPort) => `127.0.0.1:${String(metricsPort)}`);
  const scrape = { job_name: 'mtrl', scrape_interval: '1s', static_configs: [{ targets }] };
  writeFileSync(join(folder, 'alerts.yaml'), readFileSync(join(observability, 'alerts.yaml')));
  writeFileSync(join(folder, 'prometheus.yaml'), stringify({ ...config, scrape_configs: [scrape] }));
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${String(port)}`,
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  );
  while (!(await fetch(`http://127.0.0.1:${String(port)}/-/ready`).catch(() => undefined))?.ok) {
    if (child.exitCode !== null) throw new Error(`prometheus ended with ${String(child.exitCode)}`);
    await sleep(100);
  }
  return child;
}

/** Number of rows that the query returns; repeated for a while, because rates need two scrapes. */
async function untilRows(query: string, once: boolean): Promise<number> {
  for (let triesLeft = once ? 1 : 40; ; triesLeft--) {
    const response = await fetch(`${prometheusUrl}/api/v1/query?query=${encodeURIComponent(query)}`);
    const body = (await response.json()) as { status: string; error?: string; data?: { result: readonly unknown[] } };
    if (body.status !== 'success') throw new Error(`${query}: ${body.error ?? ''}`);
    const count = body.data?.result.length ?? 0;
    if (count > 0 || triesLeft === 1) return count;
    await sleep(500);
  }
}

/** Free ports of which the second follows the first: a second worker takes the next port. */
async function neighbours(): Promise<number[]> {
  for (;;) {
    const [first = 0, other = 0] = await choosePorts([undefined, undefined]);
    const [next] = await choosePorts([first + 1]);
    if (next === first + 1 && other !== next) return [first, next, other];
  }
}
