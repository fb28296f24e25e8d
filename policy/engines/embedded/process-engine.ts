/** Implements Engine with a compute process: states are folders, and cancelling a request kills the process. */
import { MtrlError } from '../../../core/errors.ts';
import type { CallOptions, Capabilities, Engine, Loss, StateHandle } from '../../engine.ts';
import { lossNames } from '../../losses/table.ts';
import type { FolderState, FolderStates } from './folder-states.ts';
import type { ComputeProcess } from './spawn.ts';
import { holdsOptimizer } from './state-files.ts';

const capabilities: Omit<Capabilities, 'bitExact'> = {
  losses: lossNames,
  labelLogProbs: true,
  adaptersOnly: false,
  images: 'pixels',
};

export function processEngine(
  process: ComputeProcess,
  states: FolderStates,
  { bitExact }: Pick<Capabilities, 'bitExact'>,
): Engine {
  let isClosing = false;

  /** Runs a request; cancelling it kills the process, because native code cannot be interrupted. */
  const call = async <T>(work: () => Promise<T>, { signal }: CallOptions = {}): Promise<T> => {
    signal?.throwIfAborted();
    const stop = (): void => {
      process.kill();
    };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  };
  const withState = <T>(handle: StateHandle, work: (folder: string) => Promise<T>, options?: CallOptions): Promise<T> =>
    call(async () => {
      const state = states.at(handle);
      try {
        return await work(state.folder);
      } catch (error) {
        throw namingOrigin(error, state);
      }
    }, options);

  return {
    capabilities: { ...capabilities, bitExact },
    closed: process.exited.then(({ error }) => (isClosing ? undefined : error)),
    progress: () => process.progress(),
    close: async () => {
      isClosing = true;
      await process.close();
    },
    loadState: (state, options) =>
      withState(
        state,
        async (folder) => ((await holdsOptimizer(folder)) ? process.loadState(folder) : process.loadCheckpoint(folder)),
        options,
      ),
    initialize: (state, seed, options) => withState(state, (folder) => process.initialize(folder, seed), options),
    saveState: (options) => call(() => states.write((folder) => process.saveState(folder)), options),
    loadReference: (state, options) => withState(state, (folder) => process.loadReference(folder), options),
    prepareTraining: (spec, options) => call(() => process.prepareTraining(spec), options),
    sample: (request, options) => call(() => process.sample(request), options),
    forward: (request, options) => call(() => process.forward(request), options),
    labelLogProbs: (request, options) => call(() => process.labelLogProbs(request), options),
    forwardBackward: (request, options) =>
      call(() => {
        requireLoss(request.loss);
        return process.forwardBackward(request);
      }, options),
    optimStep: (request, options) => call(() => process.optimStep(request), options),
    weightsDigest: (options) => call(() => process.weightsDigest(), options),
  };
}

function requireLoss({ name }: Loss): void {
  if (capabilities.losses.includes(name)) return;
  throw new MtrlError('RECIPE_INVALID', 'the engine does not have this loss', {
    found: name,
    hint: `one of ${capabilities.losses.join(', ')}`,
  });
}

/** Makes an error name the artifact instead of the folder, a local copy that is meaningless to the user. */
function namingOrigin(error: unknown, { folder, origin }: FolderState): unknown {
  if (!(error instanceof MtrlError) || origin === undefined) return error;
  const { where } = error.details;
  if (where?.startsWith(folder) !== true) return error;
  return new MtrlError(error.code, error.message, {
    ...error.details,
    where: `${origin}${where.slice(folder.length)}`,
  });
}
