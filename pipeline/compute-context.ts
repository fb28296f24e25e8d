/** Shared by all that computes with engines in one process: caches, and the engines with the policies that they hold. */
import { join } from 'node:path';
import type { ComputeDeps } from './deps.ts';
import { JsonCache } from './json-cache.ts';
import { PolicyStates } from './policies/policy-states.ts';
import { Processors } from './policies/processors.ts';
import { createReplay } from './policies/replay.ts';
import { Prompter } from './asking/prompts/prompter.ts';

export interface ComputeContext {
  readonly deps: ComputeDeps;
  readonly cache: JsonCache;
  readonly states: PolicyStates;
  readonly processors: Processors;
  readonly prompter: Prompter;
}

export function computeContext(deps: ComputeDeps): ComputeContext {
  const { store, enginePool: pool, transfer, stateCache, spoolFolder } = deps;
  const cache = new JsonCache(store);
  const context: ComputeContext = {
    deps,
    cache,
    states: new PolicyStates({ store, pool, transfer, cache: stateCache, replay: createReplay(() => context) }),
    processors: new Processors(cache, join(spoolFolder, 'processors')),
    prompter: new Prompter(cache),
  };
  return context;
}
