/** The activities of a control worker: those that need no engine. */
import type { Activities } from '../contract/activities.ts';
import type { ControlDeps } from '../pipeline/deps.ts';
import { asActivity } from './adapter.ts';
import { createGate } from '../pipeline/promotion/gate.ts';
import { type Caller, heartbeating, heartbeatingToItsEnd } from '../pipeline/heartbeat.ts';
import { createIngest } from '../pipeline/data/ingest.ts';
import { createInspectData } from '../pipeline/data/inspect-data.ts';
import { createCalibrate } from '../pipeline/asking/calibrate.ts';
import { onKnownRecipe } from '../pipeline/known-recipe.ts';
import { JsonCache } from '../pipeline/json-cache.ts';
import { createEvaluateEndpoint } from '../pipeline/asking/endpoints/evaluate-endpoint.ts';
import { createJudgeRowsEndpoint } from '../pipeline/asking/endpoints/judge-rows-endpoint.ts';
import { createKeepEvaluations } from '../pipeline/asking/keep-evaluations.ts';
import { createMix } from '../pipeline/data/mix.ts';
import { createNotify } from '../pipeline/promotion/notify.ts';
import { createPixelBaselines } from '../pipeline/asking/pixel-baselines.ts';
import { createPlanFork } from '../pipeline/training/plan-fork.ts';
import { createPrepare } from '../pipeline/data/prepare.ts';
import { createPromotion } from '../pipeline/promotion/promotion.ts';
import { sourceFiles } from '../pipeline/data/source-buckets.ts';
import { createReadRows } from '../pipeline/data/read-rows.ts';
import { createReport } from '../pipeline/reporting/report.ts';
import type { RetrainingActivities } from '../contract/retraining.ts';
import { timed } from './timed.ts';
import { createReward } from '../pipeline/training/reward.ts';

export type ControlActivities = Pick<
  Activities,
  | 'prepare'
  | 'ingest'
  | 'mix'
  | 'reward'
  | 'evaluateEndpoint'
  | 'calibrate'
  | 'judgeRowsEndpoint'
  | 'keepEvaluations'
  | 'pixelBaselines'
  | 'report'
  | 'readRows'
  | 'planFork'
> &
  Pick<
    RetrainingActivities,
    'inspectData' | 'findPromoted' | 'findCandidate' | 'gate' | 'promote' | 'rollBack' | 'notify'
  >;

export function createControlActivities(deps: ControlDeps): ControlActivities {
  const cache = new JsonCache(deps.store);
  const activity = <I, R>(work: (input: I, caller: Caller) => Promise<R>) => asActivity(deps.store, work);
  const known = <I, R>(work: (input: I, caller: Caller) => Promise<R>) => onKnownRecipe(deps.store, work);
  const promotion = createPromotion(cache);
  return {
    prepare: activity(heartbeating(createPrepare(cache, sourceFiles(deps), deps.hub))),
    // Activities that read files send a heartbeat with each part read, so that a hung file system is detected.
    ingest: activity(known(createIngest(deps, cache))),
    inspectData: activity(createInspectData(deps, cache)),
    mix: activity(heartbeating(known(timed(deps.store, createMix(deps, cache))))),
    reward: activity(heartbeating(known(createReward(deps, cache)))),
    evaluateEndpoint: activity(heartbeatingToItsEnd(known(createEvaluateEndpoint(deps, cache)))),
    calibrate: activity(heartbeating(known(createCalibrate(deps, cache)))),
    judgeRowsEndpoint: activity(heartbeatingToItsEnd(known(createJudgeRowsEndpoint(deps, cache)))),
    keepEvaluations: activity(heartbeating(createKeepEvaluations(cache))),
    pixelBaselines: activity(heartbeating(known(createPixelBaselines(deps, cache)))),
    report: activity(heartbeating(known(createReport(deps, cache)))),
    readRows: activity(createReadRows(cache)),
    findPromoted: activity(heartbeating(promotion.findPromoted)),
    findCandidate: activity(heartbeating(promotion.findCandidate)),
    gate: activity(heartbeating(known(createGate(deps, cache)))),
    promote: activity(heartbeating(promotion.promote)),
    rollBack: activity(heartbeating(promotion.rollBack)),
    notify: activity(heartbeating(createNotify(cache))),
    planFork: activity(heartbeating(createPlanFork(cache))),
  };
}
