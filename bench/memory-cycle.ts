/**
 * Memory of a compute process that goes from policy to policy as in an experiment: a base is adapted, trained and saved,
 * twice; each result is loaded and asked, and the first is trained further. The shape is SmolLM2-135M's, the work that of
 * recipes/real-text.yaml. Each phase's peak is printed next to the plan of its arm.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { required } from '../core/assert.ts';
import { Rng } from '../core/rng.ts';
import { planModel } from '../infra/doctor/model.ts';
import { grpo } from '../policy/algorithms/grpo.ts';
import type { EncodedPrompt, TokenRoles, TrainableSpec } from '../policy/engine.ts';
import { PeakMemory } from './peak-memory.ts';
import { type ComputeProcess, spawnEmbeddedEngine } from '../policy/engines/embedded/spawn.ts';
import { type Processor, loadProcessor } from '../policy/processor.ts';
import { hyperparameters } from './our-step.ts';
import { writeSmollm2 } from './smollm2-shape.ts';
import { rounded } from './statistics.ts';
import { lora } from './text-judge.ts';

const threadCount = 2;
/** Each lane has a call of 8 rollouts at a time, however many there are. */
const promptCount = Number(process.env['MTRL_BENCH_PROMPT_COUNT'] ?? 12);
const stepCount = Number(process.env['MTRL_BENCH_STEP_COUNT'] ?? 2);
const work = { promptCount, groupSize: 8, completionTokenCount: 12 };
const asked = { promptCount: 4 * promptCount, completionTokenCount: 40 };
const question = Array(48).fill('picture').join(' ');
const idleMs = 1_000;

export async function bench(log: (line: string) => void) {
  const root = await mkdtemp(join(tmpdir(), 'mtrl-memory-cycle-'));
  try {
    const base = join(root, 'base');
    await writeSmollm2(base);
    return { threadCount, work, asked, ...(await cycle(root, base, log)) };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const adapters = (seed: number): TrainableSpec => ({ lora: { ...lora, seed } });

async function cycle(root: string, base: string, log: (line: string) => void) {
  const planned = await plannedByteLength(base, adapters(0));
  const engine = spawnEmbeddedEngine({ threadCount, idleMs });
  const memory = new PeakMemory(engine.pid);
  const judge = new Judge(engine, await loadProcessor(base));
  const phases: { phase: string; peakGigabytes: number; afterGigabytes: number; seconds: number }[] = [];
  const run = async (phase: string, body: () => Promise<unknown>): Promise<void> => {
    const startedAtMs = performance.now();
    memory.startPeak();
    await body();
    const { peak, now } = memory.read();
    const seconds = rounded((performance.now() - startedAtMs) / 1000);
    phases.push({ phase, peakGigabytes: inGigabytes(peak), afterGigabytes: inGigabytes(now), seconds });
    log(`${phase}: peak ${inGigabytes(peak)} GB, then ${inGigabytes(now)} GB, ${String(seconds)} s`);
  };
  const save = async (name: string): Promise<void> => {
    await mkdir(join(root, name), { recursive: true });
    await engine.saveState(join(root, name));
  };
  try {
    for (const [seed, name] of ['first', 'second'].entries()) {
      await run(`load the base for the ${name} policy`, () => engine.loadCheckpoint(base));
      await run(`train the ${name} policy`, async () => {
        await engine.prepareTraining(adapters(seed));
        for (let step = 0; step < stepCount; step++) await judge.step(step);
      });
      await run(`save the ${name} policy`, () => save(name));
    }
    for (const name of ['first', 'second']) {
      await run(`load the ${name} policy`, () => engine.loadState(join(root, name)));
      await run(`ask the ${name} policy`, () => judge.ask());
    }
    await run('return to the first policy', () => engine.loadState(join(root, 'first')));
    await run('train it further', () => judge.step(stepCount));
    await run('save it', () => save('first'));
    await run('idle', () => setTimeout(2 * idleMs));
  } finally {
    engine.kill();
    await engine.exited;
  }
  const peakGigabytes = Math.max(...phases.map((each) => each.peakGigabytes));
  return { phases, peakGigabytes, plannedGigabytes: planned, peakTimesPlan: rounded(peakGigabytes / planned) };
}

/** As `mtrl doctor --model` plans it. */
async function plannedByteLength(checkpoint: string, trainable: TrainableSpec): Promise<number> {
  const shape = {
    ...{ arm: '', ...work, loss: 'ppo' as const, withReference: false, trainable, memory: {} },
    ...{ promptText: question, imageCount: 0 },
  };
  const { arms } = await planModel({ checkpoint, threadCount, imageEdge: 0, arms: [shape] });
  return inGigabytes(required(arms[0], 'a plan').byteLengthNeeded);
}

/** Steps and questions with prompts of words drawn at random. */
class Judge {
  readonly #engine: ComputeProcess;
  readonly #processor: Processor;

  constructor(engine: ComputeProcess, processor: Processor) {
    this.#engine = engine;
    this.#processor = processor;
  }

  get #tokens(): TokenRoles {
    const { stopTokenId, padTokenId, bannedTokenIds } = this.#processor;
    return { stopTokenId, padTokenId, bannedTokenIds: [...bannedTokenIds, stopTokenId] };
  }

  async step(step: number): Promise<void> {
    const prompts = await this.#prompts(work.promptCount);
    const rollouts = await this.#sample(prompts, step, { ...work, greedy: false });
    const rng = new Rng('bench-memory-cycle', step);
    const rewards = rollouts.map((group) => group.map(() => rng.uniform()));
    await this.#engine.forwardBackward({
      groups: grpo.groups({ prompts, rollouts, rewards }, {}).groups,
      loss: grpo.loss({}),
      ...{ temperature: 1, tokens: this.#tokens },
    });
    await this.#engine.optimStep(hyperparameters);
  }

  /** Answers, and log-probs of labels. */
  async ask(): Promise<void> {
    const prompts = await this.#prompts(asked.promptCount);
    await this.#sample(prompts, 0, { groupSize: 1, greedy: true, ...asked });
    await this.#engine.labelLogProbs({
      prompts: prompts.map((prompt) => ({ prompt, completions: [[20, 21], [30]] })),
      ...{ temperature: 1, tokens: this.#tokens },
    });
  }

  async #sample(
    prompts: readonly EncodedPrompt[],
    step: number,
    { groupSize, greedy, completionTokenCount }: { groupSize: number; greedy: boolean; completionTokenCount: number },
  ) {
    const { groups } = await this.#engine.sample({
      ...{ prompts, groupSize, tokens: this.#tokens, step, seed: 0, promptOffset: 0 },
      sampling: { temperature: 1, greedy, tokenCountMax: completionTokenCount },
      promptTokenCountMax: Math.max(...prompts.map(({ tokenIds }) => tokenIds.length)),
    });
    return groups;
  }

  #prompts(count: number): Promise<EncodedPrompt[]> {
    return Promise.all(
      Array.from({ length: count }, () =>
        this.#processor.encodePrompt([{ role: 'user', content: [{ type: 'text', text: question }] }], []),
      ),
    );
  }
}

const inGigabytes = (byteLength: number): number => rounded(byteLength / 1e9);
