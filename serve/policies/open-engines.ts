/** The engines of the server, in processes of their own, as a compute worker has them (workers/compute.ts). */
import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import { Hub } from '../../artifacts/hub/hub.ts';
import { hubSettings } from '../../artifacts/hub/hub-settings.ts';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { memoryByteLength } from '../../core/memory.ts';
import { codeVersionOf } from '../../pipeline/code/code-version.ts';
import { type ComputeContext, computeContext } from '../../pipeline/compute-context.ts';
import { EnginePool } from '../../pipeline/policies/engine-pool.ts';
import { StateCache } from '../../pipeline/policies/state-cache.ts';
import { retryAfterMsOf } from '../../pipeline/retry-after.ts';
import { engineNamed, engineTable } from '../../policy/engines/table.ts';

export interface EngineSettings {
  readonly store: ArtifactStore;
  readonly log: Logger;
  readonly environment: NodeJS.ProcessEnv;
  /** Local folder of this process alone. */
  readonly spoolFolder: string;
  readonly engineCount: number;
  /** Threads of one engine; the number does not change results. */
  readonly threadCount?: number;
}

export interface OpenEngines {
  readonly context: ComputeContext;
  readonly engineCount: number;
  readonly close: () => Promise<void>;
}

/** Throws USAGE for settings that are wrong, PROVIDER_UNAVAILABLE. */
export async function openEngines(settings: EngineSettings): Promise<OpenEngines> {
  const { store, log, environment, spoolFolder, engineCount } = settings;
  const { threadCount = Math.max(1, Math.floor(availableParallelism() / engineCount)) } = settings;
  const [engineName, open] = engineNamed(environment, engineTable);
  const memoryShare = Math.floor((0.8 * memoryByteLength()) / engineCount);
  const engines = await open({ environment, threadCount, memoryShare, store, spoolFolder, retryAfterMsOf });
  const enginePool = new EnginePool(engineCount, () => engines.start());
  const codeVersion = codeVersionOf(engines.choice.backend, engineName);
  const context = computeContext({
    ...{ store, log, enginePool, spoolFolder, engine: engines.choice, transfer: engines.states },
    codeVersion: (activity) => engines.versionWith(codeVersion(activity)),
    hub: new Hub(hubSettings(environment)),
    stateCache: new StateCache(engines.states),
  });
  return { context, engineCount, close: () => enginePool.close() };
}
