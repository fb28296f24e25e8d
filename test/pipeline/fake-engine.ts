/**
 * An engine whose weights are the list of updates that produced them: it shows which updates were made, and in which
 * order.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import { digestOf } from '../../core/json.ts';
import type {
  CallOptions,
  Capabilities,
  Engine,
  EngineInfo,
  ForwardBackwardRequest,
  LabelLogProbsRequest,
  StateHandle,
  TrainGroup,
  TrainableSpec,
} from '../../policy/engine.ts';
import type { FolderStates } from '../../policy/engines/embedded/folder-states.ts';

const info: EngineInfo = {
  backend: 'fake',
  runtimeVersion: '1',
  executionProvider: 'none',
  threadCount: 1,
  cpuModel: 'fake',
  parameterCount: 1,
};

export class FakeEngine implements Engine {
  readonly closed: Promise<MtrlError | undefined>;
  capabilities: Capabilities = {
    bitExact: true,
    losses: ['cross_entropy', 'ppo'],
    labelLogProbs: true,
    adaptersOnly: false,
    images: 'pixels',
  };
  /** Names of the calls, in order. */
  readonly calls: string[] = [];
  weights: readonly string[] = [];
  reference: readonly string[] | undefined;
  #gradient: string | undefined;
  #advances = 0;
  #end: (error: MtrlError | undefined) => void = () => undefined;
  #dead = false;
  readonly #states: FolderStates | undefined;
  /** Error added to the trainer's log-probs, as a broken kernel would. */
  logProbError = 0;
  lossValue = 1;
  normValue = 1;
  /** Of every request for gradients. */
  readonly startsAnew: (boolean | undefined)[] = [];
  /** Called before gradients are computed, with the number of such calls. */
  onForwardBackward: (callCount: number) => void = () => undefined;
  /** While true, calls do not answer. */
  hung = false;

  /** @param states where it loads states from and saves them to */
  constructor(states?: FolderStates) {
    this.#states = states;
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  crash(): void {
    this.#dead = true;
    this.#end(crashed());
  }

  progress(): number {
    return this.#advances;
  }

  loadState(state: StateHandle): Promise<EngineInfo> {
    const text = this.#read(state);
    return this.#do(`load ${text}`, () => {
      this.weights = JSON.parse(text) as string[];
      this.reference = undefined;
      return info;
    });
  }

  initialize(_state: StateHandle, seed: number): Promise<EngineInfo> {
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

  saveState(): Promise<StateHandle> {
    return required(this.#states, 'states').write((folder) =>
      this.#do('save', () => {
        for (const name of ['model', 'optimizer']) {
          writeFileSync(join(folder, `${name}.safetensors`), JSON.stringify(this.weights));
        }
      }),
    );
  }

  loadReference(state: StateHandle): Promise<void> {
    return this.#do('reference', () => {
      this.reference = JSON.parse(this.#read(state)) as string[];
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

  forwardBackward({ groups, startsAnew }: Pick<ForwardBackwardRequest, 'groups' | 'startsAnew'>) {
    return this.#do('forwardBackward', () => {
      this.onForwardBackward(this.startsAnew.push(startsAnew));
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

  weightsDigest(options?: CallOptions): Promise<string> {
    return this.#do('digest', () => digestOf(this.weights), options);
  }

  close(): Promise<void> {
    this.#dead = true;
    this.#end(undefined);
    return Promise.resolve();
  }

  #read(state: StateHandle): string {
    const { folder } = required(this.#states, 'states').at(state);
    const path = join(folder, 'model.safetensors');
    if (!existsSync(path)) throw new MtrlError('CHECKPOINT_INVALID', 'no weights', { where: folder });
    return readFileSync(path, 'utf8');
  }

  #logProbs(groups: readonly TrainGroup[]): number[][][] {
    return groups.map(({ completions }) =>
      completions.map(({ logProbs = [] }) => logProbs.map((value) => value + this.logProbError)),
    );
  }

  /**
   * Runs a call. A hanging call ends with the engine, and cancelling it ends the engine, too, as with the embedded
   * engine.
   */
  #do<T>(call: string, action: () => T, { signal }: CallOptions = {}): Promise<T> {
    this.calls.push(call);
    if (this.hung) {
      signal?.addEventListener('abort', () => {
        this.crash();
      });
      return this.closed.then(() => {
        signal?.throwIfAborted();
        throw crashed();
      });
    }
    if (this.#dead) return Promise.reject(crashed());
    this.#advances++;
    return new Promise((resolve) => {
      resolve(action());
    });
  }
}

function crashed(): MtrlError {
  return new MtrlError('COMPUTE_CRASHED', 'the compute process ended');
}
