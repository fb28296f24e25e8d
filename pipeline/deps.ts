/** What activities are given by the worker that hosts them; tests give them a folder store and engines of their own. */
import type { Logger } from 'pino';
import type { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import type { CodeVersion } from './code/code-version.ts';
import type { EnginePool } from './policies/engine-pool.ts';
import type { OpenBucket } from './data/source-buckets.ts';
import type { StateFolders } from './policies/state-folders.ts';

export interface ControlDeps {
  readonly store: ArtifactStore;
  /** See code-version.ts. */
  readonly codeVersion: CodeVersion;
  readonly log: Logger;
  /** Buckets that `s3://` sources of recipes are read from; without it a recipe can only name local files. */
  readonly openBucket?: OpenBucket;
}

export interface ComputeDeps extends ControlDeps {
  readonly enginePool: EnginePool;
  readonly stateFolders: StateFolders;
  /** Local folder of this process alone, for artifacts that are read as files. */
  readonly spoolFolder: string;
  /** What the pool's engines compute with; ONNX Runtime on the CPU when left out. */
  readonly engine?: EngineChoice;
}

export interface EngineChoice {
  readonly backend?: string;
  readonly executionProvider?: string;
}
