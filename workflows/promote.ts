/** Runs the gate on a finished experiment's policy and promotes it to a name; started by `mtrl promote`. */
import type { FindCandidateInput } from '../contract/retraining.ts';
import { registry } from './promotion/promotion-activities.ts';
import { Approval } from './promotion/approval.ts';
import { gateTable } from './training/details.ts';
import { endedBadly } from './failure.ts';
import { promoteThroughGate } from './promotion/gated-promotion.ts';
import { JobTracker } from './job-tracker.ts';
import type { GatedPromotion } from '../contract/promotion.ts';
import { upsertAttributes } from './search-attributes.ts';

export async function promote(input: FindCandidateInput): Promise<GatedPromotion> {
  const approval = new Approval();
  const tracker = new JobTracker();
  try {
    const candidate = await registry.findCandidate.executeWithOptions({ summary: 'candidate' }, [input]);
    upsertAttributes({ experimentId: candidate.experimentId });
    const result = await promoteThroughGate({
      ...{ candidate, approval },
      ...(input.forceReason !== undefined && { forceReason: input.forceReason }),
      show: (state, phase, checks) => {
        tracker.state(state, phase, gateTable(checks));
      },
    });
    tracker.state(result.status, result.why, gateTable(result.gate.checks));
    return result;
  } catch (error) {
    throw endedBadly(error);
  }
}
