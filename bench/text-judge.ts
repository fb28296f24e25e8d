/** The polarity task of recipes/real-text.yaml on an engine alone: supervised start, GRPO, and held-out scores. */
import { mkdir } from 'node:fs/promises';
import { required } from '../core/assert.ts';
import { Rng } from '../core/rng.ts';
import { macroF1 } from '../judge/evaluation/macro-f1.ts';
import { macroF1Interval } from '../judge/evaluation/statistics/bootstrap.ts';
import { rewardOf } from '../judge/rewards.ts';
import { parseCompletion } from '../judge/tasks/parse.ts';
import { grpo } from '../policy/algorithms/grpo.ts';
import { sftGroups } from '../policy/algorithms/sft.ts';
import type { EncodedPrompt, OptimStepRequest, SampledCompletion, TrainableSpec } from '../policy/engine.ts';
import { type ComputeProcess, spawnEmbeddedEngine } from '../policy/engines/embedded/spawn.ts';
import { loadProcessor, type Processor } from '../policy/processor.ts';
import { tableIn } from './real-text-data.ts';

export const labels = ['positive', 'negative'];
export const formatWeight = 0.1;
/** Adapters of all linear modules, as in the recipe. */
export const lora = {
  rank: 16,
  alpha: 32,
  modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
};

export interface Row {
  readonly text: string;
  readonly label: string;
}

export interface Training {
  readonly seed: number;
  readonly stepCount: number;
  readonly promptCount: number;
  readonly groupSize: number;
  readonly completionTokenCount: number;
  readonly warmupStepCount: number;
  /** Its learning rate is reached after the warm-up. */
  readonly optimizer: OptimStepRequest;
  readonly trainable: TrainableSpec;
}

export interface HeldOut {
  readonly macroF1: number;
  readonly ci95: readonly [number, number];
  readonly unreadRate: number;
}

/** Rows of a polarity table, as prompts. */
export async function rowsIn(file: string): Promise<Row[]> {
  return (await tableIn<{ word: string; label: string }>(file)).map(({ word, label }) => {
    const text = `Is the word "${word}" positive or negative? Answer like this: <answer> ... </answer>`;
    return { text, label };
  });
}

/** A judge whose weights are those of a folder. */
export class TextJudge {
  readonly #engine: ComputeProcess;
  readonly #processor: Processor;

  private constructor(engine: ComputeProcess, processor: Processor) {
    this.#engine = engine;
    this.#processor = processor;
  }

  static async open(folder: string, tokenizerFolder = folder): Promise<TextJudge> {
    const engine = spawnEmbeddedEngine({ threadCount: 2 });
    await engine.loadCheckpoint(folder);
    return new TextJudge(engine, await loadProcessor(tokenizerFolder));
  }

  get #tokens() {
    const { stopTokenId, padTokenId, bannedTokenIds } = this.#processor;
    return { stopTokenId, padTokenId, bannedTokenIds: [...bannedTokenIds] };
  }

  /** Supervised steps for the form of an answer. */
  async learnFormat(rows: readonly Row[], { seed, stepCount, promptCount, trainable, ...rest }: Training) {
    await this.#engine.prepareTraining(trainable);
    for (let step = 0; step < stepCount; step++) {
      const shown = batchOf(rows, promptCount, seed, step);
      const answers = shown.map(({ label }) => this.#processor.encodeCompletion(`<answer> ${label} </answer>`));
      const groups = sftGroups(await this.#encoded(shown), answers);
      await this.#engine.forwardBackward({
        groups,
        loss: { name: 'cross_entropy' },
        temperature: 1,
        tokens: this.#tokens,
      });
      await this.#engine.optimStep(rateAt(rest, step));
    }
  }

  /** GRPO; returns the mean reward of each step. */
  async reinforce(rows: readonly Row[], training: Training, onStep: (reward: number) => void): Promise<number[]> {
    const { seed, stepCount, promptCount, groupSize, completionTokenCount, trainable } = training;
    const settings = { clipLow: 0.2, clipHigh: 0.2, klCoefficient: 0 };
    const rewards: number[] = [];
    await this.#engine.prepareTraining(trainable);
    for (let step = 0; step < stepCount; step++) {
      const shown = batchOf(rows, promptCount, seed, step);
      const prompts = await this.#encoded(shown);
      const rollouts = await this.#answers(prompts, { groupSize, seed, step, greedy: false, completionTokenCount });
      const judged = rollouts.map((group, i) =>
        group.map((rollout) => this.#reward(rollout, required(shown[i], 'a row'))),
      );
      const { groups } = grpo.groups({ prompts, rollouts, rewards: judged }, settings);
      if (groups.length > 0) {
        await this.#engine.forwardBackward({ groups, loss: grpo.loss(settings), temperature: 1, tokens: this.#tokens });
        await this.#engine.optimStep(rateAt(training, step));
      }
      const values = judged.flat();
      rewards.push(values.reduce((sum, value) => sum + value, 0) / values.length);
      onStep(required(rewards.at(-1), 'a reward'));
    }
    return rewards;
  }

  async heldOut(rows: readonly Row[], completionTokenCount: number): Promise<HeldOut> {
    const prompts = await this.#encoded(rows);
    const answers = await this.#answers(prompts, {
      groupSize: 1,
      seed: 0,
      step: 0,
      greedy: true,
      completionTokenCount,
    });
    const outcomes = rows.map(({ text, label }, i) => {
      const judgment = this.#read(required(answers[i]?.[0], 'an answer'));
      return { label, predicted: judgment.ok ? judgment.verdict : undefined, clusterKey: text };
    });
    return {
      macroF1: macroF1(outcomes, labels),
      ci95: macroF1Interval(outcomes, labels, 1000, new Rng('dynamics')),
      unreadRate: outcomes.filter(({ predicted }) => predicted === undefined).length / outcomes.length,
    };
  }

  /** Writes the weights, adapters merged, to a new folder. */
  async save(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    await this.#engine.saveState(folder);
  }

  async close(): Promise<void> {
    await this.#engine.close();
  }

  #encoded(rows: readonly Row[]): Promise<EncodedPrompt[]> {
    return encodedRows(this.#processor, rows);
  }

  async #answers(
    prompts: readonly EncodedPrompt[],
    asked: { groupSize: number; seed: number; step: number; greedy: boolean; completionTokenCount: number },
  ): Promise<readonly (readonly SampledCompletion[])[]> {
    const { groupSize, seed, step, greedy, completionTokenCount } = asked;
    const { groups } = await this.#engine.sample({
      ...{ prompts, groupSize, seed, step, promptOffset: 0, tokens: this.#tokens },
      sampling: { temperature: 1, greedy, tokenCountMax: completionTokenCount },
      promptTokenCountMax: Math.max(...prompts.map(({ tokenIds }) => tokenIds.length)),
    });
    return groups;
  }

  #read({ tokenIds, finishReason }: SampledCompletion) {
    const text = this.#processor.decodeCompletion(tokenIds);
    return parseCompletion({ text, finishReason }, (said) => labels.includes(said), 'direct');
  }

  #reward(rollout: SampledCompletion, { label }: Row): number {
    return rewardOf(this.#read(rollout), label, formatWeight).value;
  }
}

export function encodedRows(processor: Processor, rows: readonly Row[]): Promise<EncodedPrompt[]> {
  return Promise.all(
    rows.map(({ text }) => processor.encodePrompt([{ role: 'user', content: [{ type: 'text', text }] }], [])),
  );
}

/** As many rows of each label, in turn. */
export function batchOf(rows: readonly Row[], count: number, seed: number, step: number): Row[] {
  const rng = new Rng('dynamics-batch', seed, step);
  const byLabel = labels.map((label) => rows.filter((row) => row.label === label));
  return Array.from({ length: count }, (_, i) => {
    const own = required(byLabel[i % labels.length], 'the rows of a label');
    return required(own[rng.integer(0, own.length)], 'a row');
  });
}

/** Constant after a linear warm-up. */
function rateAt({ optimizer, warmupStepCount }: Pick<Training, 'optimizer' | 'warmupStepCount'>, step: number) {
  const share = Math.min(1, (step + 1) / Math.max(1, warmupStepCount));
  return { ...optimizer, learningRate: optimizer.learningRate * share };
}
