/** Dependencies that a worker passes to its activities; tests pass a folder store and engines of their own. */
import type { Logger } from 'pino';
import type { Hub } from '../artifacts/hub/hub.ts';
import type { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import type { CodeVersion } from './code/code-version.ts';
import type { EnginePool } from './policies/engine-pool.ts';
import type { OpenBucket } from './data/source-buckets.ts';
import type { EngineChoice, StateTransfer } from '../policy/engines/engine-service.ts';
import type { StateCache } from './policies/state-cache.ts';

export interface ControlDeps {
  readonly store: ArtifactStore;
  /** See code-version.ts. */
  readonly codeVersion: CodeVersion;
  readonly log: Logger;
  /** Opens the buckets of recipes' `s3://` sources; without it a recipe can only name local files. */
  readonly openBucket?: OpenBucket;
  /** Environment variables, for the keys of endpoints. Default: none. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Reads what recipes name by `hf:`; without it they cannot. */
  readonly hub?: Hub;
}

export interface ComputeDeps extends ControlDeps {
  readonly enginePool: EnginePool;
  /** State transfer of the pool's engines. */
  readonly transfer: StateTransfer;
  readonly stateCache: StateCache;
  /** Local folder of this process alone, for data that must be read as files. */
  readonly spoolFolder: string;
  /** Backend and execution provider of the pool's engines; ONNX Runtime on the CPU if absent. */
  readonly engine?: EngineChoice;
}
