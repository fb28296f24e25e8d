/** An engine whose weights are a list of the updates that made them: enough to see which updates were done, and when. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineProcess } from '../../pipeline/policies/engine-pool.ts';
import { MtrlError } from '../../core/errors.ts';
import { digestOf } from '../../core/json.ts';
import type { EngineInfo, LabelLogProbsRequest, TrainGroup, TrainableSpec } from '../../policy/engine.ts';

const info: EngineInfo = {
  backend: 'fake',
  runtimeVersion: '1',
  executionProvider: 'none',
  threadCount: 1,
  cpuModel: 'fake',
  parameterCount: 1,
};

export class FakeEngine implements EngineProcess {
  readonly pid = 0;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  /** What was asked of it, in order. */
  readonly calls: string[] = [];
  weights: readonly string[] = [];
  reference: readonly string[] | undefined;
  #gradient: string | undefined;
  #advances = 0;
  #end: (exit: { code: null; signal: string }) => void = () => undefined;
  #dead = false;
  /** Added to the trainer's log-probs: what a broken kernel would do. */
  logProbError = 0;
  lossValue = 1;
  normValue = 1;
  /** While set, calls do not answer. */
  hung = false;

  constructor() {
    this.exited = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  kill(): void {
    this.#dead = true;
    this.#end({ code: null, signal: 'SIGKILL' });
  }

  progress(): number {
    return this.#advances;
  }

  loadCheckpoint(folder: string): Promise<EngineInfo> {
    return this.#do(`load ${this.#read(folder)}`, () => {
      this.weights = JSON.parse(this.#read(folder)) as string[];
      this.reference = undefined;
      return info;
    });
  }

  loadState(folder: string): Promise<EngineInfo> {
    return this.loadCheckpoint(folder);
  }

  initialize(_folder: string, seed: number): Promise<EngineInfo> {
    return this.#do('initialize', () => {
      this.weights = [`seed ${String(seed)}`];
      return info;
    });
  }

  prepareTraining(spec: TrainableSpec): Promise<void> {
    return this.#do('prepare', () => {
      this.weights = [...this.weights, JSON.stringify(spec)];
    });
  }

  saveState(folder: string): Promise<void> {
    return this.#do('save', () => {
      for (const name of ['model', 'optimizer']) {
        writeFileSync(join(folder, `${name}.safetensors`), JSON.stringify(this.weights));
      }
    });
  }

  loadReference(folder: string): Promise<void> {
    return this.#do('reference', () => {
      this.reference = JSON.parse(this.#read(folder)) as string[];
    });
  }

  sample(): Promise<never> {
    return Promise.reject(new Error('not in these tests'));
  }

  forward({ groups }: { readonly groups: readonly TrainGroup[] }) {
    return this.#do('forward', () => this.#logProbs(groups));
  }

  labelLogProbs({ prompts }: LabelLogProbsRequest) {
    return this.#do('labelLogProbs', () => prompts.map(({ completions }) => completions.map(() => 0)));
  }

  forwardBackward({ groups }: { readonly groups: readonly TrainGroup[] }) {
    return this.#do('forwardBackward', () => {
      this.#gradient = digestOf(
        groups.map(({ prompt, completions }) => [prompt.tokenIds, completions.map((c) => c.tokenIds)]),
      );
      return { loss: this.lossValue, tokenCount: 1, logProbs: this.#logProbs(groups) };
    });
  }

  optimStep({ learningRate }: { readonly learningRate: number }) {
    return this.#do('optimStep', () => {
      this.weights = [...this.weights, `${this.#gradient ?? ''} at ${String(learningRate)}`];
      return { gradientNorm: this.normValue, updateCount: this.weights.length };
    });
  }

  weightsDigest(): Promise<string> {
    return this.#do('digest', () => digestOf(this.weights));
  }

  close(): Promise<void> {
    this.kill();
    return Promise.resolve();
  }

  #read(folder: string): string {
    const path = join(folder, 'model.safetensors');
    if (!existsSync(path)) throw new MtrlError('CHECKPOINT_INVALID', 'no weights', { where: folder });
    return readFileSync(path, 'utf8');
  }

  #logProbs(groups: readonly TrainGroup[]): number[][][] {
    return groups.map(({ completions }) =>
      completions.map(({ logProbs = [] }) => logProbs.map((value) => value + this.logProbError)),
    );
  }

  #do<T>(call: string, action: () => T): Promise<T> {
    this.calls.push(call);
    if (this.hung) {
      return this.exited.then(() => {
        throw new MtrlError('COMPUTE_CRASHED', 'the compute process ended');
      });
    }
    if (this.#dead) return Promise.reject(new MtrlError('COMPUTE_CRASHED', 'the compute process ended'));
    this.#advances++;
    return new Promise((resolve) => {
      resolve(action());
    });
  }
}
