/** The activities of a control worker: what needs no engine. */
import { Context } from '@temporalio/activity';
import type { Activities } from './contract.ts';
import type { ControlDeps } from './deps.ts';
import { classified } from './durable.ts';
import { createGate } from './gate.ts';
import { heartbeating } from './heartbeat.ts';
import { createIngest } from './ingest.ts';
import { createInspectData } from './inspect-data.ts';
import { JsonCache } from './json-cache.ts';
import { createKeepEvaluations } from './keep-evaluations.ts';
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
  'prepare' | 'ingest' | 'mix' | 'reward' | 'keepEvaluations' | 'report' | 'readRows' | 'planFork'
> &
  Pick<
    RetrainingActivities,
    'inspectData' | 'findPromoted' | 'findCandidate' | 'gate' | 'promote' | 'rollBack' | 'notify'
  >;

export function createControlActivities(deps: ControlDeps): ControlActivities {
  const cache = new JsonCache(deps.store);
  // What reads files beats with every part that it has read: a file system that hangs is found by its silence.
  const beat = (progress?: unknown): void => {
    Context.current().heartbeat(progress);
  };
  const promotion = createPromotion(cache);
  return {
    prepare: classified(deps.store, heartbeating(createPrepare(cache))),
    ingest: classified(deps.store, createIngest(deps, cache, beat)),
    inspectData: classified(deps.store, createInspectData(deps, cache, beat)),
    mix: classified(deps.store, heartbeating(createMix(deps, cache))),
    reward: classified(deps.store, heartbeating(createReward(deps, cache))),
    keepEvaluations: classified(deps.store, heartbeating(createKeepEvaluations(cache))),
    report: classified(deps.store, heartbeating(createReport(deps, cache))),
    readRows: classified(deps.store, createReadRows(cache, beat)),
    findPromoted: classified(deps.store, heartbeating(promotion.findPromoted)),
    findCandidate: classified(deps.store, heartbeating(promotion.findCandidate)),
    gate: classified(deps.store, heartbeating(createGate(deps, cache))),
    promote: classified(deps.store, heartbeating(promotion.promote)),
    rollBack: classified(deps.store, heartbeating(promotion.rollBack)),
    notify: classified(deps.store, heartbeating(createNotify(cache))),
    planFork: classified(deps.store, heartbeating(createPlanFork(cache))),
  };
}
