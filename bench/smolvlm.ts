/**
 * A model of the shape of SmolVLM-256M with random weights: saved, loaded, rolled out and trained with adapters only,
 * with all weights, and with all weights under a memory ceiling with recomputation. Reports the peak memory of the
 * compute process next to the plan, and compares the saved checkpoint with `transformers`. MTRL_ENGINE_THREAD_COUNT
 * sets the number of lanes, 2 by default.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { required } from '../core/assert.ts';
import { Rng } from '../core/rng.ts';
import { planModel } from '../infra/doctor/model.ts';
import type { EncodedPrompt, MemorySpec, TokenRoles, TrainableSpec } from '../policy/engine.ts';
import { peakByteLength } from '../policy/engines/embedded/memory/memory-watch.ts';
import { type ComputeProcess, spawnEmbeddedEngine } from '../policy/engines/embedded/spawn.ts';
import { grpo } from '../policy/algorithms/grpo.ts';
import { type Processor, loadProcessor } from '../policy/processor.ts';
import { largestDifference } from '../test/support/idefics3-fixture.ts';
import { logProbsOf } from '../test/support/model-run.ts';
import { pythonWithTransformers, transformersLogits } from '../test/support/transformers-logits.ts';
import { writeSmolvlmShape } from './smolvlm-shape.ts';
import { median, rounded } from './statistics.ts';

const promptCount = 2;
const groupSize = 4;
const completionTokenCountMax = 16;
const imageSide = 32;
const question = 'is the picture sharp ? think';
const stepCount = 2;
const rssByteLengthMax = 20e9;

const lora: TrainableSpec = {
  lora: { rank: 8, alpha: 16, modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj'], seed: 0 },
  freeze: ['vision'],
};

interface Arm {
  readonly spec: TrainableSpec;
  readonly memory: MemorySpec;
}

const arms: Readonly<Record<string, Arm>> = {
  lora: { spec: lora, memory: {} },
  full: { spec: {}, memory: {} },
  fullUnderCeiling: { spec: {}, memory: { byteLengthMax: 9e9, recompute: true } },
};

export async function bench(log: (line: string) => void) {
  const root = await mkdtemp(join(tmpdir(), 'mtrl-smolvlm-'));
  const threadCount = Number(process.env['MTRL_ENGINE_THREAD_COUNT'] ?? Math.min(2, availableParallelism()));
  try {
    const folder = join(root, 'checkpoint');
    await writeSmolvlmShape(folder);
    const made = await withEngine(threadCount, async (engine) => {
      const { parameterCount } = await engine.initialize(folder, 0);
      await engine.saveState(folder);
      return { parameterCount };
    });
    log(`made ${String(made.result.parameterCount)} parameters in ${seconds(made.wallMs)} s`);
    const processor = await loadProcessor(folder);
    const modes: Record<string, object> = {};
    for (const [mode, { spec, memory }] of Object.entries(arms)) {
      const trained = await withEngine(threadCount, (engine) =>
        train(engine, processor, folder, { spec, memory }, log),
      );
      const rssByteLength = trained.rssByteLengthMax;
      const { byteLengthMax = rssByteLengthMax } = memory;
      modes[mode] = {
        ...trained.result,
        plan: await planOf(folder, threadCount, { spec, memory }),
        peakRssByteLength: rssByteLength,
        isInside: rssByteLength < byteLengthMax,
      };
    }
    const opened = await withEngine(threadCount, (engine) => inTransformers(engine, processor, folder, log));
    return {
      ...{ threadCount, promptCount, groupSize, completionTokenCountMax, rssByteLengthMax },
      parameterCount: made.result.parameterCount,
      ...modes,
      ...opened.result,
    };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** The memory plan that `mtrl doctor --model` reports for an arm. */
async function planOf(folder: string, threadCount: number, { spec, memory }: Arm) {
  const shape = {
    ...{ arm: '', promptCount, groupSize, completionTokenCount: completionTokenCountMax },
    ...{ loss: 'ppo' as const, withReference: false, trainable: spec, memory, promptText: question, imageCount: 1 },
  };
  const { arms: planned } = await planModel({ checkpoint: folder, threadCount, imageEdge: imageSide, arms: [shape] });
  const { microBatchCount, byteLengths, byteLengthNeeded } = required(planned[0], 'a plan');
  return { microBatchCount, byteLengths, byteLengthNeeded };
}

async function train(
  engine: ComputeProcess,
  processor: Processor,
  folder: string,
  { spec, memory }: Arm,
  log: (line: string) => void,
) {
  const loadMs = await timed(() => engine.loadCheckpoint(folder));
  await engine.prepareTraining(spec);
  const prompts = await Promise.all(Array.from({ length: promptCount }, (_, i) => noisePrompt(processor, i)));
  const { stopTokenId, padTokenId, bannedTokenIds } = processor;
  const tokens: TokenRoles = { stopTokenId, padTokenId, bannedTokenIds };
  const rng = new Rng('bench-smolvlm-rewards');
  const rolloutMs: number[] = [];
  const updateMs: number[] = [];
  const losses: number[] = [];
  let tokenCount = 0;
  for (let step = 0; step <= stepCount; step++) {
    const startedAtMs = performance.now();
    const { groups } = await engine.sample({
      ...{ prompts, groupSize, tokens, step, seed: 0, promptOffset: 0, memory },
      sampling: { temperature: 1, greedy: false, tokenCountMax: completionTokenCountMax },
      promptTokenCountMax: Math.max(...prompts.map(({ tokenIds }) => tokenIds.length)),
    });
    const sampledAtMs = performance.now();
    const rewards = groups.map((group) => group.map(() => rng.uniform()));
    const { loss } = await engine.forwardBackward({
      groups: grpo.groups({ prompts, rollouts: groups, rewards }, {}).groups,
      loss: grpo.loss({}),
      ...{ temperature: 1, tokens, memory },
    });
    await engine.optimStep({ ...optimizer, memory });
    rolloutMs.push(sampledAtMs - startedAtMs);
    updateMs.push(performance.now() - sampledAtMs);
    losses.push(loss);
    tokenCount = groups.flat().reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
    log(`step ${String(step)}: rollout ${seconds(rolloutMs.at(-1) ?? 0)} s, update ${seconds(updateMs.at(-1) ?? 0)} s`);
  }
  const saveMs = await timed(() => engine.saveState(folder));
  // The first step builds the graphs and loads them into the runtime.
  const [firstRolloutMs = 0, ...laterRolloutMs] = rolloutMs;
  const [firstUpdateMs = 0, ...laterUpdateMs] = updateMs;
  return {
    loadSeconds: inSeconds(loadMs),
    firstStepSeconds: inSeconds(firstRolloutMs + firstUpdateMs),
    stepSeconds: inSeconds(median(laterRolloutMs.map((ms, i) => ms + (laterUpdateMs[i] ?? 0)))),
    rolloutSeconds: inSeconds(median(laterRolloutMs)),
    updateSeconds: inSeconds(median(laterUpdateMs)),
    rolloutTokensPerSecond: rounded((tokenCount / median(laterRolloutMs)) * 1000),
    saveSeconds: inSeconds(saveMs),
    losses,
  };
}

/**
 * Takes the last tokens of a prompt as its completion, and compares our log-probs with those of the logits that
 * `transformers` computes.
 */
async function inTransformers(
  engine: ComputeProcess,
  processor: Processor,
  folder: string,
  log: (line: string) => void,
) {
  const python = pythonWithTransformers();
  if (python === undefined) {
    log('not opened in transformers: name a Python that has it in MTRL_TEST_PYTHON');
    return {};
  }
  await engine.loadCheckpoint(folder);
  const prompt = await noisePrompt(processor, 0);
  const answer = prompt.tokenIds.slice(-4);
  const tokens = { stopTokenId: processor.stopTokenId, padTokenId: processor.padTokenId, bannedTokenIds: [] };
  const group = {
    prompt: { ...prompt, tokenIds: prompt.tokenIds.slice(0, -answer.length) },
    completions: [{ tokenIds: answer, tokenWeight: 1 }],
  };
  const [ours] = await engine.forward({ groups: [group], temperature: 1, tokens, weights: 'current' });
  const [theirs] = transformersLogits(python, [{ folder, prompt, rowCount: answer.length + 1 }]);
  const logits = Float32Array.from(theirs?.logits ?? []);
  const width = logits.length / (answer.length + 1);
  const expected = logProbsOf(logits.subarray(0, answer.length * width), answer);
  const logProbDifferenceMax = largestDifference(ours?.[0] ?? [], expected);
  log(`transformers: log-probs differ by ${String(logProbDifferenceMax)}`);
  return { transformers: { dtype: theirs?.dtype ?? '', logProbDifferenceMax } };
}

const optimizer = {
  ...{ learningRate: 1e-4, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientNormMax: 1 },
};

/** A picture of noise and a question in the tokenizer's words. */
async function noisePrompt(processor: Processor, index: number): Promise<EncodedPrompt> {
  const rng = new Rng('bench-smolvlm', index);
  const data = Uint8Array.from({ length: 3 * imageSide * imageSide }, () => rng.integer(0, 256));
  const png = await sharp(data, { raw: { width: imageSide, height: imageSide, channels: 3 } })
    .png()
    .toBuffer();
  const content = [{ type: 'image' as const }, { type: 'text' as const, text: question }];
  return processor.encodePrompt([{ role: 'user', content }], [png]);
}

/** Runs a part in a compute process of its own, so that the peak memory is that part's. */
async function withEngine<T>(threadCount: number, body: (engine: ComputeProcess) => Promise<T>) {
  const engine = spawnEmbeddedEngine({ threadCount });
  try {
    const startedAtMs = performance.now();
    const result = await body(engine);
    return { result, wallMs: performance.now() - startedAtMs, rssByteLengthMax: peakByteLength(engine.pid) ?? NaN };
  } finally {
    engine.kill();
    await engine.exited;
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}

const inSeconds = (ms: number): number => rounded(ms / 1000);
const seconds = (ms: number): string => (ms / 1000).toFixed(1);
