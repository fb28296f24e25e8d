/** The activities of a control worker over a store, without Temporal. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { createControlActivities } from '../../activities/control.ts';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { silentLogger } from '../support/silent-logger.ts';

export function controlOf(store: ArtifactStore) {
  const environment = new MockActivityEnvironment({}, { logger: silentLogger });
  return {
    control: createControlActivities({ store, codeVersion: () => 'code', log: pino({ enabled: false }) }),
    run: <I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> =>
      environment.run<[I], R, (input: I) => Promise<R>>(activity, input),
  };
}
