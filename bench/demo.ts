/**
 * Times one GRPO step of the demo model, ours and PyTorch's, alternately in one command and on one thread each: 16
 * prompts x 8 rollouts with the same prompt and completion lengths on both sides. The peer is bench/peers/demo_step.py.
 */
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { Rng } from '../core/rng.ts';
import type { EncodedPrompt, SampledCompletion } from '../policy/engine.ts';
import { EmbeddedEngine } from '../policy/engines/embedded/embedded-engine.ts';
import { grpo } from '../policy/algorithms/grpo.ts';
import { type Processor, loadProcessor } from '../policy/processor.ts';
import type { RuntimeSettings } from '../policy/runtime/graph-runner.ts';
import type { BenchOptions } from './main.ts';
import { type Peer, startPeer } from './python-peer.ts';
import { median, rounded } from './statistics.ts';

const promptCount = 16;
const groupSize = 8;
const completionTokenCountMax = 26;
const warmupCount = 3;
const roundCount = 15;

export interface StepTimes {
  readonly rolloutMs: number;
  readonly trainMs: number;
  readonly stepMs: number;
}

const parts = ['rolloutMs', 'trainMs', 'stepMs'] as const;

/**
 * Returns the medians of each part for us and the peers, and the median of the pairwise ratios (peer / ours: above 1,
 * we are faster).
 */
export async function bench(log: (line: string) => void, { withPeers }: BenchOptions) {
  const rng = new Rng('bench-step', 0);
  const promptTokenCounts = Array.from({ length: promptCount }, () => rng.integer(31, 51));
  const completionTokenCounts = Array.from({ length: promptCount * groupSize }, () =>
    rng.integer(7, completionTokenCountMax + 1),
  );
  const ours = await ourStep(promptTokenCounts, completionTokenCounts);
  const peers = withPeers
    ? await startPeers(promptTokenCounts, completionTokenCounts)
    : new Map<string, Peer<StepTimes>>();
  const rows: Record<string, StepTimes>[] = [];
  for (let round = 0; round < warmupCount + roundCount; round++) {
    const row: Record<string, StepTimes> = { ours: await ours.step() };
    for (const [name, peer] of peers) row[name] = await peer.step();
    log(
      Object.entries(row)
        .map(([name, each]) => `${name} ${each.stepMs.toFixed(0)} ms`)
        .join('   '),
    );
    if (round >= warmupCount) rows.push(row);
  }
  for (const peer of peers.values()) peer.stop();
  await ours.close();
  const medianOf = (ms: (row: Record<string, StepTimes>) => number | undefined): number =>
    rounded(median(rows.map((row) => ms(row) ?? NaN)));
  return {
    threadCount: 1,
    roundCount,
    ours: Object.fromEntries(parts.map((part) => [part, medianOf((row) => row['ours']?.[part])])),
    peers: Object.fromEntries(
      [...peers].map(([name, { versions }]) => [
        name,
        {
          versions,
          ...Object.fromEntries(parts.map((part) => [part, medianOf((row) => row[name]?.[part])])),
          timesOurs: Object.fromEntries(
            parts.map((part) => [part, medianOf((row) => (row[name]?.[part] ?? NaN) / (row['ours']?.[part] ?? NaN))]),
          ),
        },
      ]),
    ),
  };
}

/** Opens our side of the step for the given prompt and completion lengths, with 8 completions per prompt. */
export async function ourStep(
  promptTokenCounts: readonly number[],
  completionTokenCounts: readonly number[],
  settings: RuntimeSettings = { threadCount: 1 },
) {
  const { engine, prompts, tokens, sample, close } = await ourRollouts(promptTokenCounts, settings);
  const rng = new Rng('bench-rewards', 0);
  let step = 0;
  return {
    close,
    step: async (): Promise<StepTimes> => {
      const startedAtMs = performance.now();
      const groups = await sample(step++);
      const sampledAtMs = performance.now();
      const rollouts = groups.map((group, g) =>
        group.map((rollout, r) => cut(rollout, completionTokenCounts[g * groupSize + r] ?? 1)),
      );
      const rewards = rollouts.map((group) => group.map(() => rng.uniform()));
      const update = grpo.groups({ prompts, rollouts, rewards }, {});
      await engine.forwardBackward({
        groups: update.groups,
        loss: grpo.loss({}),
        temperature: 1,
        tokens,
      });
      await engine.optimStep({
        learningRate: 1e-4,
        beta1: 0.9,
        beta2: 0.95,
        epsilon: 1e-8,
        weightDecay: 0,
        gradientNormMax: 1,
      });
      const endedAtMs = performance.now();
      return {
        rolloutMs: sampledAtMs - startedAtMs,
        trainMs: endedAtMs - sampledAtMs,
        stepMs: endedAtMs - startedAtMs,
      };
    },
  };
}

/** The demo's model with fresh weights, and rollouts of prompts of these lengths, 8 each. */
export async function ourRollouts(
  promptTokenCounts: readonly number[],
  settings: RuntimeSettings = { threadCount: 1 },
) {
  const folder = fileURLToPath(new URL('../recipes/demo-config', import.meta.url));
  const processor = await loadProcessor(folder);
  const engine = new EmbeddedEngine(settings);
  await engine.initialize(folder, 0);
  const rng = new Rng('bench-prompts', 0);
  const prompts = await Promise.all(promptTokenCounts.map((count) => prompt(processor, rng, count)));
  const tokens = {
    stopTokenId: processor.stopTokenId,
    padTokenId: processor.padTokenId,
    bannedTokenIds: processor.bannedTokenIds,
  };
  return {
    engine,
    prompts,
    tokens,
    close: () => engine.close(),
    sample: async (step: number) => {
      const { groups } = await engine.sample({
        prompts,
        groupSize,
        // Fresh weights almost never sample the stop token: the loop runs to the maximum, as the peer's does.
        sampling: { temperature: 1, greedy: false, tokenCountMax: completionTokenCountMax },
        tokens,
        seed: 0,
        step,
        promptOffset: 0,
        promptTokenCountMax: Math.max(...promptTokenCounts),
      });
      return groups;
    },
  };
}

/** A prompt of exactly `count` tokens with one picture of noise. */
async function prompt(processor: Processor, rng: Rng, count: number): Promise<EncodedPrompt> {
  const side = 32;
  const pixels = Uint8Array.from({ length: 3 * side * side }, () => rng.integer(0, 256));
  const png = await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
  const withWords = (wordCount: number): Promise<EncodedPrompt> =>
    processor.encodePrompt(
      [
        {
          role: 'user',
          content: [{ type: 'image' }, { type: 'text', text: Array(wordCount).fill('picture').join(' ') }],
        },
      ],
      [png],
    );
  const oneWord = await withWords(1);
  return withWords(1 + count - oneWord.tokenIds.length);
}

function cut(rollout: SampledCompletion, length: number): SampledCompletion {
  return { ...rollout, tokenIds: rollout.tokenIds.slice(0, length), logProbs: rollout.logProbs.slice(0, length) };
}

const layouts = ['naive', 'shared'] as const;

async function startPeers(
  promptTokenCounts: readonly number[],
  completionTokenCounts: readonly number[],
): Promise<Map<string, Peer<StepTimes>>> {
  const peers = await Promise.all(
    layouts.map((layout) => startPeer<StepTimes>('demo_step.py', { promptTokenCounts, completionTokenCounts, layout })),
  );
  return new Map(layouts.map((layout, i) => [`pytorch-${layout}`, peers[i] as Peer<StepTimes>]));
}
