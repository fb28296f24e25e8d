/**
 * Memory of a compute process over 1,000 GRPO steps of the demo's shape (16 prompts x 8 rollouts, varying prompt
 * lengths) with a snapshot every 25 steps as in a run, read every 50 steps. The target is growth within 5 %.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { required } from '../core/assert.ts';
import { Rng } from '../core/rng.ts';
import type { EncodedPrompt } from '../policy/engine.ts';
import { residentByteLength } from '../policy/engines/embedded/memory/memory-watch.ts';
import { spawnEmbeddedEngine } from '../policy/engines/embedded/spawn.ts';
import { grpo } from '../policy/algorithms/grpo.ts';
import { type Processor, loadProcessor } from '../policy/processor.ts';
import { rounded } from './statistics.ts';

const stepCount = Number(process.env['MTRL_BENCH_STEP_COUNT'] ?? 1000);
const readEveryStepCount = 50;
const warmUpStepCount = Math.min(200, stepCount / 4);
const promptCount = 16;
const groupSize = 8;

interface Reading {
  readonly step: number;
  readonly byteLength: number;
}

export async function bench(log: (line: string) => void) {
  const folder = fileURLToPath(new URL('../recipes/demo-base', import.meta.url));
  const scratch = await mkdtemp(join(tmpdir(), 'mtrl-memory-'));
  const processor = await loadProcessor(folder);
  const { stopTokenId, padTokenId, bannedTokenIds } = processor;
  const tokens = { stopTokenId, padTokenId, bannedTokenIds };
  const engine = spawnEmbeddedEngine({ threadCount: 1 });
  const readings: Reading[] = [];
  try {
    await engine.loadCheckpoint(folder);
    const rng = new Rng('bench-memory', 0);
    const png = await noise(rng);
    for (let step = 0; step <= stepCount; step++) {
      if (step % readEveryStepCount === 0) {
        readings.push({ step, byteLength: required(residentByteLength(engine.pid), 'a living process') });
        log(`step ${String(step)}: ${inMegabytes(readings.at(-1)?.byteLength ?? NaN)} MB`);
      }
      const prompts = await Promise.all(Array.from({ length: promptCount }, () => promptOf(processor, png, rng)));
      const { groups } = await engine.sample({
        ...{ prompts, groupSize, tokens, step, seed: 0, promptOffset: 0 },
        sampling: { temperature: 1, greedy: false, tokenCountMax: 20 },
        promptTokenCountMax: Math.max(...prompts.map(({ tokenIds }) => tokenIds.length)),
      });
      const rewards = groups.map((group) => group.map(() => rng.uniform()));
      await engine.forwardBackward({
        groups: grpo.groups({ prompts, rollouts: groups, rewards }, {}).groups,
        loss: grpo.loss({}),
        ...{ temperature: 1, tokens },
      });
      await engine.optimStep({
        ...{ learningRate: 1e-6, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientNormMax: 1 },
      });
      if (step % 25 === 24) await engine.saveState(scratch);
    }
  } finally {
    engine.kill();
    await engine.exited;
    await rm(scratch, { recursive: true, force: true });
  }
  return summary(readings);
}

function summary(readings: readonly Reading[]) {
  const warm = readings.filter(({ step }) => step >= warmUpStepCount);
  const mean = warm.reduce((sum, { byteLength }) => sum + byteLength, 0) / warm.length;
  const meanStep = warm.reduce((sum, { step }) => sum + step, 0) / warm.length;
  const covariance = warm.reduce((sum, { step, byteLength }) => sum + (step - meanStep) * (byteLength - mean), 0);
  const variance = warm.reduce((sum, { step }) => sum + (step - meanStep) ** 2, 0);
  const deviation = Math.max(...warm.map(({ byteLength }) => Math.abs(byteLength / mean - 1)));
  return {
    ...{ stepCount, warmUpStepCount, promptCount, groupSize },
    readings: readings.map(({ step, byteLength }) => ({ step, megabytes: inMegabytes(byteLength) })),
    meanMegabytes: inMegabytes(mean),
    slopeBytesPerStep: Math.round(covariance / variance),
    deviationMaxPercent: rounded(100 * deviation),
    isFlat: warm.length > 1 && deviation <= 0.05,
  };
}

/** A prompt of one picture and 1 to 20 words. */
function promptOf(processor: Processor, png: Uint8Array, rng: Rng): Promise<EncodedPrompt> {
  const text = Array(rng.integer(1, 21)).fill('picture').join(' ');
  return processor.encodePrompt([{ role: 'user', content: [{ type: 'image' }, { type: 'text', text }] }], [png]);
}

async function noise(rng: Rng): Promise<Uint8Array> {
  const side = 32;
  const data = Uint8Array.from({ length: 3 * side * side }, () => rng.integer(0, 256));
  return sharp(data, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}

const inMegabytes = (byteLength: number): number => Math.round(byteLength / 1e5) / 10;
