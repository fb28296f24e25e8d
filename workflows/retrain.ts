/**
 * Retraining, started by a Schedule: new data? -> train from the promoted policy on old and new data -> gate ->
 * approval if the recipe requires it -> promote. Without new data it only reports that.
 *
 * Retrainings of one name cannot overlap: the work is done under the workflow id `retrain/<name>`, which is unique.
 * Started under any other id (a Schedule appends its time), this workflow starts that one and waits for it.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  CancellationScope,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import type { PrepareResult } from '../contract/activities.ts';
import type { InspectDataResult, PromotedVersion } from '../contract/retraining.ts';
import { control } from './activity-options.ts';
import { Announcements } from './promotion/announcements.ts';
import { Approval } from './promotion/approval.ts';
import type { experiment } from './experiment.ts';
import { endedBadly, rootFailure } from './failure.ts';
import { cancelNewestPart } from './newest-part.ts';
import { promoteThroughGate } from './promotion/gated-promotion.ts';
import { requireForm } from './input-form.ts';
import { inspection, registry } from './promotion/promotion-activities.ts';
import { RetrainTracker } from './promotion/retrain-tracker.ts';
import type { RetrainInput, RetrainResult, Tried } from '../contract/promotion.ts';
import { attributesOfExperiment, upsertAttributes } from './search-attributes.ts';

export async function retrain(input: RetrainInput): Promise<RetrainResult> {
  const approval = new Approval();
  const tracker = new RetrainTracker();
  try {
    requireForm(input, { example: '{"recipe": {...}}', required: ['recipe'], optional: ['lastTried'] });
    const prepared = await control.prepare.executeWithOptions({ summary: 'recipe' }, [{ recipe: input.recipe }]);
    const name = nameOf(prepared);
    upsertAttributes({ recipeName: prepared.recipeName });
    tracker.knows({ name });
    const lastTried = input.lastTried ?? triedBefore();
    const workflowId = `retrain/${name}`;
    if (workflowInfo().workflowId !== workflowId)
      return await followed(tracker, workflowId, { recipe: input.recipe, ...(lastTried && { lastTried }) });
    return await new Retraining(input.recipe, prepared, name, tracker, approval).result(lastTried);
  } catch (error) {
    throw endedBadly(error);
  }
}

function nameOf({ promotion, recipeName }: PrepareResult): string {
  if (promotion) return promotion.name;
  throw ApplicationFailure.nonRetryable(
    `recipe ${recipeName} has no \`promotion\` section: set at least promotion.name and promotion.arm`,
    'RECIPE_INVALID',
  );
}

/** A Schedule passes on the result of its last successful action. */
function triedBefore(): Tried | undefined {
  return (workflowInfo().lastResult as Partial<RetrainResult> | undefined)?.tried;
}

async function followed(tracker: RetrainTracker, workflowId: string, input: RetrainInput): Promise<RetrainResult> {
  tracker.knows({ followed: workflowId });
  tracker.state('training', `waiting for ${workflowId}`);
  try {
    const result = await executeChild<(input: RetrainInput) => Promise<RetrainResult>>('retrain', {
      workflowId,
      args: [input],
      staticSummary: 'new data? train, gate, promote',
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    });
    tracker.state(result.outcome, result.why);
    return result;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw ApplicationFailure.nonRetryable(
      `${workflowId} is running: retrainings of one name cannot overlap. Wait for it, or cancel it`,
      'RETRAIN_CONFLICT',
    );
  }
}

class Retraining {
  readonly #recipe: unknown;
  readonly #prepared: PrepareResult;
  readonly #name: string;
  readonly #tracker: RetrainTracker;
  readonly #approval: Approval;
  readonly #experimentId: string;
  readonly #announcements: Announcements;

  constructor(recipe: unknown, prepared: PrepareResult, name: string, tracker: RetrainTracker, approval: Approval) {
    this.#recipe = recipe;
    this.#prepared = prepared;
    this.#name = name;
    this.#tracker = tracker;
    this.#approval = approval;
    this.#experimentId = `${name}-${timeStamp()}`;
    this.#announcements = new Announcements(prepared.recipe, { name, experimentId: this.#experimentId });
  }

  /** Rethrows a failure after notifying of it. */
  async result(lastTried: Tried | undefined): Promise<RetrainResult> {
    try {
      return await this.#retrained(lastTried);
    } catch (error) {
      const failure = rootFailure(error);
      if (failure && !isCancellation(error))
        await this.#announcements.tell('failed', `${failure.type ?? 'INVARIANT'}: ${failure.message}`);
      throw error;
    }
  }

  async #retrained(lastTried: Tried | undefined): Promise<RetrainResult> {
    const name = this.#name;
    const { promoted } = await registry.findPromoted.executeWithOptions({ summary: name }, [{ name }]);
    this.#tracker.state('ingesting', 'looking for new or changed data');
    const found = await inspection.inspectData.executeWithOptions({ summary: 'sources' }, [
      { recipe: this.#recipe, ...(promoted && { promoted }) },
    ]);
    const { sources, dataDigest } = found;
    this.#tracker.knows({ sources });
    const tried = { recipeDigest: this.#prepared.recipeDigest, dataDigest };
    const common = { name, tried, sources, ...(promoted && { startedFromVersion: promoted.version }) };
    const nothingNew = whyNothingNew(found, promoted, tried, lastTried);
    if (nothingNew !== undefined) {
      await this.#announcements.tell('no-new-data', nothingNew);
      this.#tracker.state('no-new-data', nothingNew);
      return { ...common, outcome: 'no-new-data', why: nothingNew };
    }
    const promotion = await this.#trainAndPromote(promoted);
    const { status, why, experimentId } = promotion;
    this.#tracker.state(status, why);
    return { ...common, outcome: status, why, experimentId, promotion };
  }

  async #trainAndPromote(promoted: PromotedVersion | undefined) {
    const experimentId = this.#experimentId;
    const initial = this.#prepared.promotion?.startFrom === 'promoted' ? promoted : undefined;
    const from = initial ? `${initial.name}@${String(initial.version)}` : "the recipe's policy";
    const { recipeName } = this.#prepared;
    upsertAttributes({ experimentId });
    this.#tracker.knows({ experimentId });
    this.#tracker.state('training', `training from ${from}`);
    void CancellationScope.current().cancelRequested.catch(() => cancelNewestPart(experimentId));
    await executeChild<typeof experiment>('experiment', {
      workflowId: experimentId,
      args: [this.#recipe, initial ? { initial: { policy: initial.policy, checkpoint: initial.checkpoint } } : {}],
      typedSearchAttributes: attributesOfExperiment({ experimentId, recipeName }),
      staticSummary: `${this.#name} trained further from ${from}`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    });
    const candidate = await registry.findCandidate.executeWithOptions({ summary: experimentId }, [{ experimentId }]);
    return promoteThroughGate({
      candidate,
      approval: this.#approval,
      show: (state, phase, checks) => {
        this.#tracker.knows({ checks });
        this.#tracker.state(state, phase);
      },
    });
  }
}

/**
 * Why there is nothing to train on; undefined if there is new data. Data that already made a candidate, which was not
 * promoted or was rolled back, is not new: the result would be the same.
 */
function whyNothingNew(
  { changed, dataDigest }: InspectDataResult,
  promoted: PromotedVersion | undefined,
  tried: Tried,
  lastTried: Tried | undefined,
): string | undefined {
  if (promoted && !changed) return `no new data since ${promoted.name}@${String(promoted.version)}`;
  const isSame = dataDigest === lastTried?.dataDigest && tried.recipeDigest === lastTried.recipeDigest;
  return isSame ? 'no new data since the last retraining, whose candidate is not the promoted one' : undefined;
}

/** The workflow's start time, UTC, as `20260801-142530`. */
function timeStamp(): string {
  return workflowInfo().startTime.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
}
