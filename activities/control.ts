/** The activities of a control worker: what needs no engine. */
import { Context } from '@temporalio/activity';
import type { Activities } from './contract.ts';
import type { ControlDeps } from './deps.ts';
import { classified } from './durable.ts';
import { createGate } from './gate.ts';
import { createIngest } from './ingest.ts';
import { createInspectData } from './inspect-data.ts';
import { JsonCache } from './json-cache.ts';
import { createMix } from './mix.ts';
import { createNotify } from './notify.ts';
import { createPlanFork } from './plan-fork.ts';
import { createPrepare } from './prepare.ts';
import { createPromotion } from './promotion.ts';
import { createReadRows } from './read-rows.ts';
import { createReport } from './report.ts';
import type { RetrainingActivities } from './retraining-contract.ts';
import { createReward } from './reward.ts';

export type ControlActivities = Pick<
  Activities,
  'prepare' | 'ingest' | 'mix' | 'reward' | 'report' | 'readRows' | 'planFork'
> &
  Pick<
    RetrainingActivities,
    'inspectData' | 'findPromoted' | 'findCandidate' | 'gate' | 'promote' | 'rollBack' | 'notify'
  >;

export function createControlActivities(deps: ControlDeps): ControlActivities {
  const cache = new JsonCache(deps.store);
  // Here the worker's own loop does the work, so each time it comes round is an advance.
  const beat = (progress?: unknown): void => {
    Context.current().heartbeat(progress);
  };
  const promotion = createPromotion(cache);
  return {
    prepare: classified(deps.store, createPrepare(cache)),
    ingest: classified(deps.store, createIngest(deps, cache, beat)),
    inspectData: classified(deps.store, createInspectData(deps, cache, beat)),
    mix: classified(deps.store, createMix(deps, cache)),
    reward: classified(deps.store, createReward(deps, cache)),
    report: classified(deps.store, createReport(deps, cache, beat)),
    readRows: classified(deps.store, createReadRows(cache, beat)),
    findPromoted: classified(deps.store, promotion.findPromoted),
    findCandidate: classified(deps.store, promotion.findCandidate),
    gate: classified(deps.store, createGate(deps, cache, beat)),
    promote: classified(deps.store, promotion.promote),
    rollBack: classified(deps.store, promotion.rollBack),
    notify: classified(deps.store, createNotify(cache)),
    planFork: classified(deps.store, createPlanFork(cache, beat)),
  };
}
