/** Waits for a person's decision: the update `decide` with its validator, the query `approval`, and a time-out. */
import { ApplicationFailure, condition, setHandler } from '@temporalio/workflow';
import { nowMs } from '../clock.ts';
import type { ApprovalStanding, Decision } from '../../contract/messages.ts';
import { approvalQuery, decideUpdate } from './promotion-messages.ts';

const textLengthMax = 1_000;

/** Made at the workflow's start, so that a decision which comes before it is wanted is told so. */
export class Approval {
  #standing: ApprovalStanding = { state: 'not-asked' };

  constructor() {
    setHandler(approvalQuery, () => this.#standing);
    setHandler(decideUpdate, (decision) => this.#take(decision), {
      validator: (decision) => {
        this.#require(decision);
      },
    });
  }

  /** The decision, or undefined when nobody decided within the time. `name`: what the candidate would be promoted as. */
  async asked(name: string, timeoutMs: number): Promise<Decision | undefined> {
    this.#standing = { state: 'waiting', name, untilMs: nowMs() + timeoutMs };
    await condition(() => this.#standing.decision !== undefined, timeoutMs);
    // A decision that was taken in the very moment of the time-out counts: its sender was told so.
    if (this.#standing.decision === undefined) this.#standing = { ...this.#standing, state: 'timed-out' };
    return this.#standing.decision;
  }

  #take(decision: Decision): Decision {
    const state = decision.decision === 'approve' ? 'approved' : 'rejected';
    this.#standing = { ...this.#standing, state, decision };
    return decision;
  }

  #require(decision: unknown): void {
    const problem = problemOf(decision) ?? untimely(this.#standing);
    if (problem !== undefined) throw ApplicationFailure.nonRetryable(problem, 'DECISION_REFUSED');
  }
}

function untimely({ state, decision, name = '' }: ApprovalStanding): string | undefined {
  if (state === 'waiting') return undefined;
  if (decision !== undefined)
    return `decided already: ${decision.by} ${decision.decision === 'approve' ? 'approved' : 'rejected'} the candidate for ${name}`;
  if (state === 'timed-out') return `too late: nobody decided on the candidate for ${name} in time, so it is held back`;
  return 'too early: no candidate waits for a decision yet';
}

/** It may come from anywhere: nothing about its form is taken for granted. */
function problemOf(value: unknown): string | undefined {
  const form = 'send {"decision": "approve" | "reject", "by": "who", "reason": "why (optional)"}';
  if (typeof value !== 'object' || value === null) return `no decision: ${form}`;
  const { decision, by, reason, ...others } = value as Readonly<Record<string, unknown>>;
  if (decision !== 'approve' && decision !== 'reject') return `decision is neither approve nor reject: ${form}`;
  if (!isText(by) || by.trim() === '') return `by does not say who decides: ${form}`;
  if (reason !== undefined && !isText(reason))
    return `reason is no text of at most ${String(textLengthMax)} characters`;
  const unknown = Object.keys(others)[0];
  return unknown === undefined ? undefined : `${unknown} is no part of a decision: ${form}`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= textLengthMax;
}
