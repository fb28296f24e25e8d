/**
 * Promotes the policy of a finished experiment: compares it with the promoted version on the new data and on that
 * version's own, asks a person if the recipe requires approval, and switches the name. Every other outcome leaves the
 * name as it was.
 */
import type { EvaluateResult, PolicyState } from '../../contract/activities.ts';
import type {
  FindCandidateResult,
  FindPromotedResult,
  GateCheck,
  GateInput,
  GateResult,
  JudgedTask,
  NotifyInput,
  PromotedVersion,
  PromoteInput,
} from '../../contract/retraining.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { AnswerMode } from '../../judge/example.ts';
import { compute } from '../activity-options.ts';
import type { Approval } from './approval.ts';
import { Announcements } from './announcements.ts';
import type { WorkState } from '../../contract/progress.ts';
import { gating, registry } from './promotion-activities.ts';
import type { Decision } from '../../contract/messages.ts';
import type { GatedPromotion } from '../../contract/promotion.ts';

export interface PromotionRequest {
  readonly candidate: FindCandidateResult;
  /** Handles `decide`; created when the workflow started. */
  readonly approval: Approval;
  /** A person's reason to promote a candidate that the gate holds back. */
  readonly forceReason?: string;
  /** Shows the progress; `checks` is empty before the gate. */
  readonly show: (state: WorkState, phase: string, checks: readonly GateCheck[]) => void;
}

/** Throws an activity's coded failure: PROMOTION_CONFLICT if the name was changed meanwhile, EVALUATION_MISSING. */
export async function promoteThroughGate(request: PromotionRequest): Promise<GatedPromotion> {
  const { candidate, forceReason, show } = request;
  const { name, recipe, experimentId } = candidate;
  const announcements = new Announcements(recipe, { name, experimentId });
  const found = await registry.findPromoted.executeWithOptions({ summary: name }, [{ name }]);
  const gated = await throughGate(candidate, found, show);
  const facts = { name, experimentId, runName: candidate.run.plan.runName, gate: gated };
  const end = async (
    kind: NotifyInput['event']['kind'],
    text: string,
    rest: Pick<GatedPromotion, 'status' | 'promoted' | 'decision'>,
  ): Promise<GatedPromotion> => {
    show('reporting', text, gated.checks);
    await announcements.tell(kind, text);
    return { ...facts, ...rest, why: text, notifications: announcements.told };
  };
  if (!gated.passed && forceReason === undefined) {
    return end('held-back', `held back by the gate: ${failedRules(gated)}`, { status: 'held-back' });
  }
  const decision = await decided(request, announcements, gated);
  if (decision === 'nobody') {
    return end('held-back', 'held back: the approval timed out', { status: 'held-back' });
  }
  if (decision?.decision === 'reject') {
    return end('rejected', `rejected by ${decision.by}${because(decision)}`, { status: 'rejected', decision });
  }
  show('reporting', `promoting to ${name}`, gated.checks);
  const { promoted } = await registry.promote.executeWithOptions({ summary: name }, [
    promotionOf(candidate, found.revision, gated, decision, forceReason),
  ]);
  const text = `promoted to ${name}@${String(promoted.version)}`;
  return end('promoted', text, { status: 'promoted', promoted, ...(decision && { decision }) });
}

async function throughGate(
  candidate: FindCandidateResult,
  { promoted }: FindPromotedResult,
  show: PromotionRequest['show'],
): Promise<GateResult> {
  const { recipe, dataset, run } = candidate;
  const input: GateInput = { recipe, dataset, candidate: { evaluations: run.evaluations } };
  if (promoted === undefined) {
    show('evaluating', 'running the gate; the name is new', []);
    return gating.gate.executeWithOptions({ summary: candidate.name }, [input]);
  }
  const version = `${promoted.name}@${String(promoted.version)}`;
  show('evaluating', `comparing with ${version}, on the new data and on its own`, []);
  const [promotedOnNewData, candidateOnOldData] = await Promise.all([
    evaluated(
      run.evaluations,
      { recipe, dataset, policy: promoted.policy, mode: promoted.mode },
      `${version} on new data`,
    ),
    evaluated(
      promoted.evaluations,
      { recipe: promoted.recipe, dataset: promoted.dataset, policy: run.policy, mode: run.plan.mode },
      `candidate on the data of ${version}`,
    ),
  ]);
  show('evaluating', `running the gate, against ${version}`, []);
  return gating.gate.executeWithOptions({ summary: `${candidate.name} against ${version}` }, [
    { ...input, promoted: kept(promoted), promotedOnNewData, candidateOnOldData },
  ]);
}

interface Judge {
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
  readonly policy: PolicyState;
  readonly mode: AnswerMode;
}

/** Evaluates a policy on the tasks and splits of these evaluations. */
function evaluated(
  evaluations: readonly EvaluateResult[],
  { recipe, dataset, policy, mode }: Judge,
  summary: string,
): Promise<JudgedTask[]> {
  return Promise.all(
    evaluations.map(async ({ scores: { task, split } }) => {
      const result = await compute.evaluate.executeWithOptions({ summary: `${summary} · ${task} ${split}` }, [
        { recipe, dataset, policy, mode, arm: 'promotion', seed: 0, task, split },
      ]);
      return judgedTask(result);
    }),
  );
}

/** Without scores: the gate compares judgments, and payloads stay small. */
function judgedTask({ judgments, scores: { task, split } }: EvaluateResult): JudgedTask {
  return { task, split, judgments };
}

function kept({ name, version, recipe, dataset, evaluations }: PromotedVersion): NonNullable<GateInput['promoted']> {
  return { name, version, recipe, dataset, judged: evaluations.map(judgedTask) };
}

/** The decision: `nobody` after the timeout, undefined if no approval is required. */
async function decided(
  { candidate, approval, forceReason, show }: PromotionRequest,
  announcements: Announcements,
  gate: GateResult,
): Promise<Decision | 'nobody' | undefined> {
  const { name, approval: wanted } = candidate;
  if (!wanted.required) return undefined;
  // Accept decisions before notifying: a recipient may answer at once.
  const answer = approval.asked(name, wanted.timeoutMs);
  const passed = gate.passed ? 'the gate passed' : `forced past the gate (${forceReason ?? ''}): ${failedRules(gate)}`;
  const text = `waiting for approval of ${candidate.run.plan.runName} as ${name}, at most ${minutes(wanted.timeoutMs)}; ${passed}`;
  show('waiting', text, gate.checks);
  await announcements.tell('approval-wanted', text);
  return (await answer) ?? 'nobody';
}

function promotionOf(
  { name, experimentId, recipe, dataset, dataDigest, run }: FindCandidateResult,
  revision: number,
  { gate, passed }: GateResult,
  decision: Decision | undefined,
  forceReason: string | undefined,
): PromoteInput {
  const { policy, checkpoint, evaluations, plan } = run;
  const reasons = [passed ? undefined : forceReason, decision?.reason].filter((text) => text !== undefined);
  const candidate: Omit<PromotedVersion, 'name' | 'version' | 'promotedAt'> = {
    ...{ policy, checkpoint, mode: plan.mode, recipe, dataset, dataDigest },
    ...{ experimentId, runName: plan.runName, evaluations, gate },
    ...(decision && { approvedBy: decision.by }),
  };
  return { name, revision, candidate, ...(reasons.length > 0 && { reason: reasons.join('; ') }) };
}

function failedRules({ checks }: GateResult): string {
  return checks
    .filter(({ passed }) => !passed)
    .map(({ rule, value }) => `${rule} (found ${value.toFixed(4)})`)
    .join('; ');
}

function because({ reason }: Decision): string {
  return reason === undefined ? '' : `: ${reason}`;
}

function minutes(ms: number): string {
  return `${(ms / 60_000).toFixed(0)} min`;
}
