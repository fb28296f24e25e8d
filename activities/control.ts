/** The activities of a control worker: what needs no engine. */
import { Context } from '@temporalio/activity';
import type { Activities } from '../contract/activities.ts';
import type { ControlDeps } from '../pipeline/deps.ts';
import { classified } from '../pipeline/durable.ts';
import { createGate } from '../pipeline/promotion/gate.ts';
import { heartbeating } from '../pipeline/heartbeat.ts';
import { createIngest } from '../pipeline/data/ingest.ts';
import { createInspectData } from '../pipeline/data/inspect-data.ts';
import { JsonCache } from '../pipeline/json-cache.ts';
import { createKeepEvaluations } from '../pipeline/asking/keep-evaluations.ts';
import { createMix } from '../pipeline/data/mix.ts';
import { createNotify } from '../pipeline/promotion/notify.ts';
import { createPlanFork } from '../pipeline/training/plan-fork.ts';
import { createPrepare } from '../pipeline/training/prepare.ts';
import { createPromotion } from '../pipeline/promotion/promotion.ts';
import { createReadRows } from '../pipeline/data/read-rows.ts';
import { createReport } from '../pipeline/reporting/report.ts';
import type { RetrainingActivities } from '../contract/retraining.ts';
import { createReward } from '../pipeline/training/reward.ts';

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
