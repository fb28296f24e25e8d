/**
 * An engine whose numbers are made up: its weights are a digest of the updates so far, and its answers are drawn from a
 * list by seed. It trains as real engines do, with states, log-probs that agree, and replays that reach the same
 * digest, at the cost of a few hashes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { required } from '../core/assert.ts';
import { digestOf } from '../core/json.ts';
import { projectRoot } from '../core/project.ts';
import { Rng } from '../core/rng.ts';
import type {
  Capabilities,
  Engine,
  EngineInfo,
  ForwardBackwardRequest,
  ForwardRequest,
  OptimStepRequest,
  SampleRequest,
  StateHandle,
} from '../policy/engine.ts';
import type { FolderStates } from '../policy/engines/embedded/folder-states.ts';

const info: EngineInfo = {
  ...{ backend: 'made-up', runtimeVersion: '1', executionProvider: 'none', threadCount: 1, cpuModel: 'none' },
  parameterCount: 0,
};
const weightsFile = 'model.safetensors';
const optimizerFile = 'optimizer.safetensors';

/** Token ids of both verdicts of a pointwise task of the demo. */
export function demoVerdicts(): number[][] {
  const path = join(projectRoot, 'recipes', 'demo-config', 'tokenizer.json');
  const { model } = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly model: { readonly vocab: Readonly<Record<string, number>> };
  };
  const words = ['yes', 'no'].map((label) => ['<answer>', label, '</answer>', '<eos>']);
  return words.map((verdict) => verdict.map((word) => required(model.vocab[word], word)));
}

export class MadeUpEngine implements Engine {
  readonly capabilities: Capabilities = {
    ...{ bitExact: true, losses: ['ppo'], labelLogProbs: false, adaptersOnly: false, images: 'pixels' },
  };
  readonly closed: Promise<undefined>;
  readonly #states: FolderStates;
  readonly #completions: readonly (readonly number[])[];
  #end: () => void = () => undefined;
  #weights = '';
  #gradient = '';
  #callCount = 0;

  /** @param completions token ids, the stop token last */
  constructor(states: FolderStates, completions: readonly (readonly number[])[]) {
    this.#states = states;
    this.#completions = completions;
    this.closed = new Promise((resolve) => {
      this.#end = () => resolve(undefined);
    });
  }

  progress = (): number => this.#callCount;

  loadState(state: StateHandle) {
    return this.#done(() => {
      this.#weights = readFileSync(join(this.#states.at(state).folder, weightsFile), 'utf8');
      return info;
    });
  }

  initialize(_state: StateHandle, seed: number) {
    return this.#done(() => {
      this.#weights = digestOf({ seed });
      return info;
    });
  }

  saveState() {
    this.#callCount++;
    return this.#states.write((folder) => {
      for (const name of [weightsFile, optimizerFile]) writeFileSync(join(folder, name), this.#weights);
      return Promise.resolve();
    });
  }

  sample({ prompts, groupSize, seed, step, promptOffset }: SampleRequest) {
    return this.#done(() => {
      const groups = prompts.map((_, i) => {
        const rng = new Rng('made-up', seed, step, promptOffset + i);
        return Array.from({ length: groupSize }, () => {
          const tokenIds = this.#completions[rng.integer(0, this.#completions.length)] ?? [];
          return { tokenIds, logProbs: tokenIds.map(() => -0.5), finishReason: 'stop' as const };
        });
      });
      return { groups };
    });
  }

  forward({ groups }: Pick<ForwardRequest, 'groups'>) {
    return this.#done(() => groups.map(({ completions }) => completions.map(({ logProbs = [] }) => logProbs)));
  }

  async forwardBackward({ groups }: ForwardBackwardRequest) {
    const logProbs = await this.forward({ groups });
    this.#gradient = digestOf(logProbs.map((group) => group.map((completion) => completion.length)));
    return { loss: 0, tokenCount: logProbs.flat(2).length, logProbs };
  }

  optimStep({ learningRate }: OptimStepRequest) {
    return this.#done(() => {
      this.#weights = digestOf({ before: this.#weights, gradient: this.#gradient, learningRate });
      return { gradientNorm: 1, updateCount: 1 };
    });
  }

  weightsDigest() {
    return this.#done(() => this.#weights);
  }

  close(): Promise<void> {
    this.#end();
    return Promise.resolve();
  }

  prepareTraining = () => this.#done(() => undefined);
  loadReference = () => this.#done(() => undefined);
  labelLogProbs = () => Promise.reject(new Error('the made-up engine has no log-probs of labels'));

  #done<T>(make: () => T): Promise<T> {
    this.#callCount++;
    return Promise.resolve(make());
  }
}
