/** The activities of both workers over a store, with one engine (embedded by default) and without Temporal. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { createComputeActivities } from '../../activities/compute.ts';
import { createControlActivities } from '../../activities/control.ts';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { EnginePool } from '../../pipeline/policies/engine-pool.ts';
import { StateCache } from '../../pipeline/policies/state-cache.ts';
import { openEmbedded } from '../../policy/engines/embedded/open.ts';
import type { EngineService } from '../../policy/engines/engine-service.ts';
import { silentLogger } from './silent-logger.ts';

export async function realActivities(
  store: ArtifactStore,
  spoolFolder: string,
  service?: Pick<EngineService, 'states' | 'start'>,
) {
  const deps = { store, codeVersion: () => 'code', log: pino({ enabled: false }) };
  const engines = service ?? (await openEmbedded({ environment: {}, threadCount: 1, store, spoolFolder }));
  const enginePool = new EnginePool(1, () => engines.start());
  const stateCache = new StateCache(engines.states);
  const environment = new MockActivityEnvironment({}, { logger: silentLogger });
  return {
    control: createControlActivities(deps),
    compute: createComputeActivities({ ...deps, enginePool, transfer: engines.states, stateCache, spoolFolder }),
    run: <I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> =>
      environment.run<[I], R, (input: I) => Promise<R>>(activity, input),
    close: () => enginePool.close(),
  };
}
