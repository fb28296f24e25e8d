/** The activities of a control worker: what needs no engine. */
import { Context } from '@temporalio/activity';
import type { Activities } from './contract.ts';
import type { ControlDeps } from './deps.ts';
import { classified } from './durable.ts';
import { createIngest } from './ingest.ts';
import { JsonCache } from './json-cache.ts';
import { createMix } from './mix.ts';
import { createPrepare } from './prepare.ts';
import { createReadRows } from './read-rows.ts';
import { createReport } from './report.ts';
import { createReward } from './reward.ts';

export type ControlActivities = Pick<Activities, 'prepare' | 'ingest' | 'mix' | 'reward' | 'report' | 'readRows'>;

export function createControlActivities(deps: ControlDeps): ControlActivities {
  const cache = new JsonCache(deps.store);
  // Here the worker's own loop does the work, so each time it comes round is an advance.
  const beat = (progress?: unknown): void => {
    Context.current().heartbeat(progress);
  };
  return {
    prepare: classified(createPrepare(cache)),
    ingest: classified(createIngest(deps, cache, beat)),
    mix: classified(createMix(deps, cache)),
    reward: classified(createReward(deps, cache)),
    report: classified(createReport(deps, cache, beat)),
    readRows: classified(createReadRows(cache, beat)),
  };
}
