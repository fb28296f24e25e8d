/** Wraps an engine for one activity: the signal cancels every request made through it. */
import type { Engine } from '../../policy/engine.ts';

export function cancelledBy(signal: AbortSignal, engine: Engine): Engine {
  const options = { signal };
  return {
    capabilities: engine.capabilities,
    closed: engine.closed,
    progress: () => engine.progress(),
    close: () => engine.close(),
    loadState: (state) => engine.loadState(state, options),
    initialize: (state, seed) => engine.initialize(state, seed, options),
    saveState: () => engine.saveState(options),
    loadReference: (state) => engine.loadReference(state, options),
    prepareTraining: (spec) => engine.prepareTraining(spec, options),
    sample: (request) => engine.sample(request, options),
    forward: (request) => engine.forward(request, options),
    labelLogProbs: (request) => engine.labelLogProbs(request, options),
    forwardBackward: (request) => engine.forwardBackward(request, options),
    optimStep: (request) => engine.optimStep(request, options),
    weightsDigest: () => engine.weightsDigest(options),
  };
}
