/**
 * `npm run bench -- real-weights [--prepare] [--peer]`: brings model and labels of recipes/real-text.yaml, and measures
 * the agreement of people, how long the model takes from its GGUF file to a ready engine, and the time and memory of a GRPO step; with --peer
 * beside TRL.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stackHome } from '../infra/stack/settings.ts';
import { openForm } from '../policy/checkpoints/form.ts';
import { required } from '../core/assert.ts';
import { EmbeddedEngine } from '../policy/engines/embedded/embedded-engine.ts';
import { intensityCeiling, pairsCeiling, polarityCeiling } from './human-ceiling.ts';
import type { BenchOptions } from './main.ts';
import { compareRealSteps } from './real-step.ts';
import { prepareRealText, tableIn } from './real-text-data.ts';

export async function bench(log: (line: string) => void, { onlyPrepares = false, withPeers }: BenchOptions) {
  const folder = join(stackHome(), 'real-text');
  await prepareRealText(folder, log);
  log(`model and rows are in ${folder}`);
  if (onlyPrepares) return { folder };
  return {
    folder,
    humanCeiling: {
      polarity: polarityCeiling(await tableIn(join(folder, 'polarity.test.jsonl'))),
      intensity: intensityCeiling(await tableIn(join(folder, 'intensity.test.jsonl'))),
      pairs: pairsCeiling(await tableIn(join(folder, 'pairs.test.jsonl'))),
    },
    loading: await loading(join(folder, 'model.gguf')),
    step: await compareRealSteps(folder, withPeers, log),
  };
}

/** Wall time of each part of opening the file. */
async function loading(path: string) {
  const target = await mkdtemp(join(tmpdir(), 'mtrl-real-weights-'));
  const engine = new EmbeddedEngine({ threadCount: 2 });
  try {
    const startedAtMs = performance.now();
    const form = required(await openForm(path), 'a form');
    await form.writeFolder(target);
    const writtenAtMs = performance.now();
    const { parameterCount } = await engine.loadCheckpoint(target);
    const readyAtMs = performance.now();
    return {
      parameterCount,
      convertSeconds: (writtenAtMs - startedAtMs) / 1000,
      loadSeconds: (readyAtMs - writtenAtMs) / 1000,
    };
  } finally {
    await engine.close();
    await rm(target, { recursive: true, force: true });
  }
}
