/**
 * The compilation cost of one process: building the graphs, writing them as ONNX and loading them into ONNX Runtime,
 * for the demo's model and for the shape of SmolVLM-256M. Measured in processor time, which is independent of other
 * load on the machine.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bucketsOf } from '../policy/engines/embedded/optimizer-update.ts';
import { readConfig } from '../policy/engines/embedded/weights.ts';
import { emitOnnx } from '../policy/graph/emit.ts';
import type { Graph } from '../policy/graph/ir.ts';
import type { Architecture } from '../policy/models/architecture.ts';
import { isTrained } from '../policy/models/parameters.ts';
import { rolloutGraph } from '../policy/models/rollout-graph.ts';
import { trainingGraph } from '../policy/models/training-graph.ts';
import { adamwGraph, gradientNormGraph } from '../policy/optimizer/adamw-graph.ts';
import { Session } from '../policy/runtime/onnx/session.ts';
import { writeSmolvlmShape } from './smolvlm-shape.ts';
import { rounded } from './statistics.ts';

export async function bench(log: (line: string) => void) {
  const scratch = await mkdtemp(join(tmpdir(), 'mtrl-graphs-'));
  try {
    await writeSmolvlmShape(scratch);
    const demo = fileURLToPath(new URL('../recipes/demo-config', import.meta.url));
    // The first round includes Node's own compilation and module loading.
    await compileAll('warm-up', demo, log);
    return {
      demo: await compileAll('demo', demo, log),
      'smolvlm-256m': await compileAll('smolvlm-256m', scratch, log),
    };
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** The graphs that a GRPO step runs. */
function graphsOf(architecture: Architecture): Readonly<Record<string, readonly (() => Graph)[]>> {
  const specs = architecture.parameterSpecs;
  const trained = specs.filter(isTrained);
  const updates = bucketsOf(trained).map((bucket) => () => adamwGraph(bucket));
  return {
    rollout: [() => rolloutGraph(architecture, specs, { withImages: true })],
    training: [() => trainingGraph(architecture, specs, { withImages: true, loss: 'ppo' })],
    optimizer: [() => gradientNormGraph(trained), ...updates],
  };
}

async function compileAll(name: string, folder: string, log: (line: string) => void) {
  const { architecture } = await readConfig(folder);
  const parts: Record<string, Compiled> = {};
  for (const [part, builders] of Object.entries(graphsOf(architecture))) {
    const compiled: Compiled[] = [];
    for (const build of builders) compiled.push(await compile(build));
    parts[part] = sum(compiled);
    log(`${name} ${part} ${JSON.stringify(parts[part])}`);
  }
  return { ...parts, together: sum(Object.values(parts)) };
}

const figures = ['nodeCount', 'byteLength', 'buildMs', 'emitMs', 'sessionMs'] as const;
type Compiled = Readonly<Record<(typeof figures)[number], number>>;

async function compile(build: () => Graph): Promise<Compiled> {
  const [graph, buildMs] = await timed(build);
  const [model, emitMs] = await timed(() => emitOnnx(graph));
  const [session, sessionMs] = await timed(() => Session.create(model, { threadCount: 1 }));
  await session.release();
  return { nodeCount: graph.nodes.length, byteLength: model.byteLength, buildMs, emitMs, sessionMs };
}

function sum(compiled: readonly Compiled[]): Compiled {
  const entries = figures.map((name) => [name, rounded(compiled.reduce((total, each) => total + each[name], 0))]);
  return Object.fromEntries(entries) as Compiled;
}

async function timed<T>(work: () => T | Promise<T>): Promise<[result: T, cpuMs: number]> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return [result, (user + system) / 1000];
}
