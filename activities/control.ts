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
  // What reads files beats with every part that it has read: a file system that hangs is found by its silence.
  const beat = (progress?: unknown): void => {
    Context.current().heartbeat(progress);
  };
  const promotion = createPromotion(cache);
  return {
    prepare: classified(heartbeating(createPrepare(cache))),
    ingest: classified(createIngest(deps, cache, beat)),
    inspectData: classified(createInspectData(deps, cache, beat)),
    mix: classified(heartbeating(createMix(deps, cache))),
    reward: classified(heartbeating(createReward(deps, cache))),
    report: classified(heartbeating(createReport(deps, cache))),
    readRows: classified(createReadRows(cache, beat)),
    findPromoted: classified(heartbeating(promotion.findPromoted)),
    findCandidate: classified(heartbeating(promotion.findCandidate)),
    gate: classified(heartbeating(createGate(deps, cache))),
    promote: classified(heartbeating(promotion.promote)),
    rollBack: classified(heartbeating(promotion.rollBack)),
    notify: classified(heartbeating(createNotify(cache))),
    planFork: classified(heartbeating(createPlanFork(cache))),
  };
}
