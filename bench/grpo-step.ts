/**
 * One GRPO step of the demo model, ours and PyTorch's, alternately in one command, both on one thread: 16 prompts x 8
 * rollouts, the same prompt and completion lengths on both sides. bench/peer/grpo_step.py is the peer.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { Rng } from '../core/rng.ts';
import type { EncodedPrompt, SampledCompletion } from '../policy/engine.ts';
import { EmbeddedEngine } from '../policy/engines/embedded/embedded-engine.ts';
import { grpoGroups } from '../policy/objectives/grpo.ts';
import { type Processor, loadProcessor } from '../policy/processor.ts';
import type { RuntimeSettings } from '../policy/runtime/graph-runner.ts';
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

/** Medians of one part of the step: ours, the peer's, and the median of the pairwise ratios (peer / ours: above 1 we are faster). */
export async function compare(part: keyof StepTimes, log: (line: string) => void) {
  const rng = new Rng('bench-step', 0);
  const promptTokenCounts = Array.from({ length: promptCount }, () => rng.integer(31, 51));
  const completionTokenCounts = Array.from({ length: promptCount * groupSize }, () =>
    rng.integer(7, completionTokenCountMax + 1),
  );
  const ours = await ourStep(promptTokenCounts, completionTokenCounts);
  const peers = await startPeers(promptTokenCounts, completionTokenCounts, log);
  const times: Record<string, number[]> = { ours: [] };
  for (const name of peers.keys()) times[name] = [];
  for (let round = 0; round < warmupCount + roundCount; round++) {
    const row: Record<string, StepTimes> = { ours: await ours.step() };
    for (const [name, peer] of peers) row[name] = await peer.step();
    if (round < warmupCount) continue;
    for (const [name, each] of Object.entries(row)) times[name]?.push(each[part]);
    log(
      Object.entries(row)
        .map(([name, each]) => `${name} ${each[part].toFixed(0)} ms`)
        .join('   '),
    );
  }
  for (const peer of peers.values()) peer.stop();
  await ours.close();
  const own = times['ours'] ?? [];
  return {
    threadCount: 1,
    roundCount,
    oursMs: rounded(median(own)),
    peers: Object.fromEntries(
      [...peers.keys()].map((name) => {
        const theirs = times[name] ?? [];
        return [
          name,
          { ms: rounded(median(theirs)), timesOurs: rounded(median(theirs.map((ms, i) => ms / (own[i] ?? NaN)))) },
        ];
      }),
    ),
  };
}

/** Our side of the step, with prompts and completions of these lengths: 8 completions a prompt. */
export async function ourStep(
  promptTokenCounts: readonly number[],
  completionTokenCounts: readonly number[],
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
  let step = 0;
  return {
    close: () => engine.close(),
    step: async (): Promise<StepTimes> => {
      const startedAtMs = performance.now();
      const { groups } = await engine.sample({
        prompts,
        groupSize,
        // Fresh weights hardly ever draw the stop token: the loop runs to the maximum, as the peer's does.
        sampling: { temperature: 1, greedy: false, tokenCountMax: completionTokenCountMax },
        tokens,
        seed: 0,
        step: step++,
        promptOffset: 0,
        promptTokenCountMax: Math.max(...promptTokenCounts),
      });
      const sampledAtMs = performance.now();
      const rollouts = groups.map((group, g) =>
        group.map((rollout, r) => cut(rollout, completionTokenCounts[g * groupSize + r] ?? 1)),
      );
      const rewards = rollouts.map((group) => group.map(() => rng.uniform()));
      const update = grpoGroups(prompts, rollouts, rewards);
      await engine.forwardBackward({
        groups: update.groups,
        loss: { name: 'ppo', clipLow: 0.2, clipHigh: 0.2, klCoefficient: 0 },
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

interface Peer {
  step(): Promise<StepTimes>;
  stop(): void;
}

async function startPeers(
  promptTokenCounts: readonly number[],
  completionTokenCounts: readonly number[],
  log: (line: string) => void,
): Promise<Map<string, Peer>> {
  const python = process.env['MTRL_BENCH_PYTHON'] ?? 'python3';
  if (spawnSync(python, ['-c', 'import torch']).status !== 0) {
    log(`no peer: ${python} has no torch. pip install torch, or name a Python that has it in MTRL_BENCH_PYTHON`);
    return new Map();
  }
  const lengths = JSON.stringify({ promptTokenCounts, completionTokenCounts, steps: warmupCount + roundCount });
  const layouts = ['naive', 'shared'] as const;
  const peers = await Promise.all(layouts.map((layout) => startPeer(python, layout, lengths)));
  return new Map(layouts.map((layout, i) => [`pytorch-${layout}`, peers[i] as Peer]));
}

async function startPeer(python: string, layout: string, lengths: string): Promise<Peer> {
  const script = fileURLToPath(new URL('./peer/grpo_step.py', import.meta.url));
  const child: ChildProcess = spawn(python, [script, '--layout', layout], { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout === null || child.stdin === null) throw new Error('the peer has no pipes');
  const { stdin } = child;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
  stdin.write(`${lengths}\n`);
  await read();
  return {
    step: async () => {
      stdin.write('step\n');
      return (await read()) as StepTimes;
    },
    stop: () => {
      stdin.end();
    },
  };
}
