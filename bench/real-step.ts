/**
 * SmolLM2-135M on two cores, in turn: rollouts by us and by `transformers`, a GRPO step by us and by TRL, and the peak
 * memory of each process.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { required } from '../core/assert.ts';
import { openForm } from '../policy/checkpoints/form.ts';
import type { MemorySpec, TokenRoles, TrainableSpec } from '../policy/engine.ts';
import { grpo } from '../policy/algorithms/grpo.ts';
import { peakByteLength } from '../policy/engines/embedded/memory/memory-watch.ts';
import { spawnEmbeddedEngine } from '../policy/engines/embedded/spawn.ts';
import { loadProcessor } from '../policy/processor.ts';
import { hyperparameters } from './our-step.ts';
import { startPeer } from './python-peer.ts';
import { median, rounded } from './statistics.ts';
import { type Row, encodedRows, lora, rowsIn } from './text-judge.ts';

const work = { promptCount: 12, groupSize: 8, completionTokenCount: 12 };
const warmupCount = 1;
const roundCount = 3;
const rolloutRoundCount = 5;
const threadCount = 2;

interface Variant {
  readonly name: string;
  readonly trainable: TrainableSpec;
  readonly memory?: MemorySpec;
}

const variants: readonly Variant[] = [
  { name: 'lora', trainable: { lora: { ...lora, seed: 0 } } },
  { name: 'all weights', trainable: {} },
  { name: 'all weights, limited', trainable: {}, memory: { byteLengthMax: 4_200_000_000 } },
];

interface StepTimes {
  readonly rolloutMs: number;
  readonly stepMs: number;
  readonly peakByteLength: number;
}

/** @param data folder of model.gguf and rows */
export async function compareRealSteps(data: string, withPeers: boolean, log: (line: string) => void) {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-real-step-'));
  try {
    await required(await openForm(join(data, 'model.gguf')), 'a GGUF file').writeFolder(folder);
    const rows = (await rowsIn(join(data, 'polarity.train.jsonl'))).slice(0, work.promptCount);
    const rollouts = withPeers ? await compareRollouts(folder, rows, log) : null;
    const results: Record<string, Awaited<ReturnType<typeof compare>>> = {};
    for (const variant of variants) results[variant.name] = await compare(variant, folder, rows, withPeers, log);
    return { work, threadCount, rollouts, trained: results };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function compareRollouts(folder: string, rows: readonly Row[], log: (line: string) => void) {
  const { stop, roll } = await openOurs(folder, rows, {});
  const argument = { folder, prompts: rows.map(({ text }) => text), ...work };
  const peer = await startPeer<{ readonly rolloutMs: number }>('text_generate.py', argument);
  const times: (readonly [number, number])[] = [];
  for (let round = 0; round < warmupCount + rolloutRoundCount; round++) {
    const ours = (await roll()).rolloutMs;
    const { rolloutMs: theirs } = await peer.step();
    log(`rollouts: ours ${(ours / 1000).toFixed(2)} s, transformers ${(theirs / 1000).toFixed(2)} s`);
    if (round >= warmupCount) times.push([ours, theirs]);
  }
  stop();
  peer.stop();
  const [ours, transformers] = [median(times.map(([own]) => own)), median(times.map(([, theirs]) => theirs))];
  return { oursMs: rounded(ours), transformersMs: rounded(transformers), timesOurs: rounded(transformers / ours) };
}

async function compare(
  { name, trainable, memory }: Variant,
  folder: string,
  rows: readonly Row[],
  withPeers: boolean,
  log: (line: string) => void,
) {
  const argument = { folder, prompts: rows.map(({ text }) => text), ...work, lora: trainable.lora ?? null };
  const sides = new Map<string, { step: () => Promise<StepTimes>; stop: () => void }>([
    ['ours', await openOurs(folder, rows, trainable, memory)],
  ]);
  if (withPeers) sides.set('trl', await startPeer<StepTimes>('trl_text.py', argument));
  const times = new Map([...sides.keys()].map((side) => [side, [] as StepTimes[]]));
  for (let round = 0; round < warmupCount + roundCount; round++) {
    for (const [side, { step }] of sides) {
      const found = await step();
      log(`${name}: ${side} ${(found.stepMs / 1000).toFixed(1)} s, peak ${(found.peakByteLength / 1e9).toFixed(2)} GB`);
      if (round >= warmupCount) times.get(side)?.push(found);
    }
  }
  for (const { stop } of sides.values()) stop();
  const of = (side: string) => {
    const found = times.get(side) ?? [];
    return {
      rolloutMs: rounded(median(found.map(({ rolloutMs }) => rolloutMs))),
      stepMs: rounded(median(found.map(({ stepMs }) => stepMs))),
      peakByteLength: Math.max(...found.map((each) => each.peakByteLength)),
    };
  };
  const ours = of('ours');
  if (!withPeers) return { ours };
  const trl = of('trl');
  return {
    ours,
    trl: {
      ...trl,
      rolloutTimesOurs: rounded(trl.rolloutMs / ours.rolloutMs),
      stepTimesOurs: rounded(trl.stepMs / ours.stepMs),
      memoryTimesOurs: rounded(trl.peakByteLength / ours.peakByteLength),
    },
  };
}

async function openOurs(folder: string, rows: readonly Row[], trainable: TrainableSpec, memory?: MemorySpec) {
  const limits = memory === undefined ? {} : { memory };
  const engine = spawnEmbeddedEngine({ threadCount });
  await engine.loadCheckpoint(folder);
  await engine.prepareTraining(trainable);
  const processor = await loadProcessor(folder);
  const { stopTokenId, padTokenId } = processor;
  const tokens: TokenRoles = { stopTokenId, padTokenId, bannedTokenIds: [...processor.bannedTokenIds, stopTokenId] };
  const prompts = await encodedRows(processor, rows);
  const promptTokenCountMax = Math.max(...prompts.map(({ tokenIds }) => tokenIds.length));
  const settings = { clipLow: 0.2, clipHigh: 0.2, klCoefficient: 0 };
  let step = 0;
  const roll = async () => {
    const startedAtMs = performance.now();
    const { groups: rollouts } = await engine.sample({
      ...{ prompts, groupSize: work.groupSize, tokens, seed: 0, step: step++, promptOffset: 0, promptTokenCountMax },
      ...limits,
      sampling: { temperature: 1, greedy: false, tokenCountMax: work.completionTokenCount },
    });
    return { rollouts, rolloutMs: performance.now() - startedAtMs };
  };
  return {
    roll,
    stop: () => void engine.close(),
    async step(): Promise<StepTimes> {
      const startedAtMs = performance.now();
      const { rollouts, rolloutMs } = await roll();
      const rewards = rollouts.map((group) =>
        group.map(({ tokenIds }) => tokenIds.filter((id) => id % 2 === 1).length / tokenIds.length),
      );
      const { groups } = grpo.groups({ prompts, rollouts, rewards }, settings);
      await engine.forwardBackward({ groups, loss: grpo.loss(settings), temperature: 1, tokens, ...limits });
      await engine.optimStep(hyperparameters);
      const stepMs = performance.now() - startedAtMs;
      const peak = required(peakByteLength(engine.pid), 'a living process');
      return { rolloutMs, stepMs, peakByteLength: peak };
    },
  };
}
