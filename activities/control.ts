/** The activities of a control worker: what needs no engine. */
import { Context } from '@temporalio/activity';
import type { Activities } from './contract.ts';
import type { ControlDeps } from './deps.ts';
import { classified } from './durable.ts';
import { createGate } from './gate.ts';
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
  // Here the worker's own loop does the work, so each time it comes round is an advance.
  const beat = (progress?: unknown): void => {
    Context.current().heartbeat(progress);
  };
  const promotion = createPromotion(cache);
  return {
    prepare: classified(createPrepare(cache)),
    ingest: classified(createIngest(deps, cache, beat)),
    inspectData: classified(createInspectData(deps, cache, beat)),
    mix: classified(createMix(deps, cache)),
    reward: classified(createReward(deps, cache)),
    keepEvaluations: classified(createKeepEvaluations(cache)),
    report: classified(createReport(deps, cache, beat)),
    readRows: classified(createReadRows(cache, beat)),
    findPromoted: classified(promotion.findPromoted),
    findCandidate: classified(promotion.findCandidate),
    gate: classified(createGate(deps, cache, beat)),
    promote: classified(promotion.promote),
    rollBack: classified(promotion.rollBack),
    notify: classified(createNotify(cache)),
    planFork: classified(createPlanFork(cache, beat)),
  };
}
