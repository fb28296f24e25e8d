/** An engine that answers every prompt with one of some completions at once: what it leaves is the work around engines. */
import { MtrlError } from '../core/errors.ts';
import type { Capabilities, Engine, EngineInfo, SampleRequest } from '../policy/engine.ts';
import type { StateTransfer } from '../policy/engines/engine-service.ts';

const info: EngineInfo = {
  ...{ backend: 'answering', runtimeVersion: '1', executionProvider: 'none', threadCount: 1, cpuModel: 'none' },
  parameterCount: 0,
};

/** Its states hold nothing. */
export const noStates: StateTransfer = {
  fetch: () => Promise.resolve({ kind: 'answering', byteLength: 0 }),
  putCheckpoint: () => lacks('checkpoints'),
  putOptimizer: () => lacks('an optimizer'),
  discard: () => Promise.resolve(),
};

export class AnsweringEngine implements Engine {
  readonly capabilities: Capabilities = {
    bitExact: true,
    losses: [],
    labelLogProbs: false,
    adaptersOnly: false,
    images: 'pixels',
  };
  readonly closed: Promise<undefined>;
  readonly #completions: readonly (readonly number[])[];
  #end: () => void = () => undefined;
  #answerCount = 0;

  /** @param completions token ids, the stop token last, given in turn */
  constructor(completions: readonly (readonly number[])[]) {
    this.#completions = completions;
    this.closed = new Promise((resolve) => {
      this.#end = () => resolve(undefined);
    });
  }

  progress = (): number => this.#answerCount;
  loadState = (): Promise<EngineInfo> => Promise.resolve(info);
  weightsDigest = (): Promise<string> => Promise.resolve('answering');

  sample({ prompts, groupSize }: SampleRequest) {
    const answer = () => {
      const tokenIds = this.#completions[this.#answerCount++ % this.#completions.length] ?? [];
      return { tokenIds, logProbs: tokenIds.map(() => 0), finishReason: 'stop' as const };
    };
    return Promise.resolve({ groups: prompts.map(() => Array.from({ length: groupSize }, answer)) });
  }

  close(): Promise<void> {
    this.#end();
    return Promise.resolve();
  }

  initialize = () => lacks('weights');
  saveState = () => lacks('states');
  loadReference = () => lacks('a reference');
  prepareTraining = () => lacks('training');
  forward = () => lacks('log-probs of given tokens');
  labelLogProbs = () => lacks('log-probs of labels');
  forwardBackward = () => lacks('training');
  optimStep = () => lacks('training');
}

function lacks(what: string): Promise<never> {
  return Promise.reject(new MtrlError('INVARIANT', `the answering engine does not have ${what}`));
}
