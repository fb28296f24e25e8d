/** Waits for a person's decision: the update `decide` with its validator, the query `approval`, and a timeout. */
import { ApplicationFailure, condition, setHandler } from '@temporalio/workflow';
import { nowMs } from '../clock.ts';
import type { ApprovalStanding, Decision } from '../../contract/messages.ts';
import { approvalQuery, decideUpdate } from './promotion-messages.ts';

const textLengthMax = 1_000;

/** Create it when the workflow starts, so that an early decision is rejected as too early. */
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

  /** The decision, or undefined after the timeout. `name`: the name that the candidate is for. */
  async asked(name: string, timeoutMs: number): Promise<Decision | undefined> {
    this.#standing = { state: 'waiting', name, untilMs: nowMs() + timeoutMs };
    await condition(() => this.#standing.decision !== undefined, timeoutMs);
    // A decision accepted at the very moment of the timeout counts: its sender was told that it was accepted.
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
    return `already decided: ${decision.by} ${decision.decision === 'approve' ? 'approved' : 'rejected'} the candidate for ${name}`;
  if (state === 'timed-out')
    return `too late: the approval of the candidate for ${name} timed out, and it is held back`;
  return 'too early: no candidate is waiting for a decision yet';
}

/** What is wrong with the form of a decision, which may be any JSON; undefined if nothing is. */
function problemOf(value: unknown): string | undefined {
  const form = 'send {"decision": "approve" | "reject", "by": "who", "reason": "why (optional)"}';
  if (typeof value !== 'object' || value === null) return `no decision: ${form}`;
  const { decision, by, reason, ...others } = value as Readonly<Record<string, unknown>>;
  if (decision !== 'approve' && decision !== 'reject') return `decision must be approve or reject: ${form}`;
  if (!isText(by) || by.trim() === '') return `by must name who decides: ${form}`;
  if (reason !== undefined && !isText(reason))
    return `reason must be text of at most ${String(textLengthMax)} characters`;
  const unknown = Object.keys(others)[0];
  return unknown === undefined ? undefined : `${unknown} is not a field of a decision: ${form}`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= textLengthMax;
}
