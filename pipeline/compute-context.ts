/** Shared by the activities of a compute worker: caches, and the engines with the policies that they hold. */
import type { ComputeDeps } from './deps.ts';
import type { JsonCache } from './json-cache.ts';
import type { PolicyStates } from './policies/policy-states.ts';
import type { Processors } from './policies/processors.ts';
import type { Prompter } from './asking/prompter.ts';

export interface ComputeContext {
  readonly deps: ComputeDeps;
  readonly cache: JsonCache;
  readonly states: PolicyStates;
  readonly processors: Processors;
  readonly prompter: Prompter;
}
