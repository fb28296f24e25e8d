/** What becomes of an attempt that gave no answer: another attempt, an outcome of the row, or the end of the run. */
import { MtrlError } from '../../../core/errors.ts';
import type { Refusal } from '../endpoint.ts';
import { keyHint } from './key.ts';
import type { ReportedError } from './chat-response.ts';

/** `busy`: it was not computed. `lost`: it may have been computed, and billed. */
export type Failure =
  | { readonly kind: 'final'; readonly error: MtrlError }
  | { readonly kind: 'busy' | 'lost'; readonly error: MtrlError; readonly retryAfterMs?: number | undefined };

export interface Place {
  readonly address: string;
  readonly keyVariable: string;
}

/** Longest pause that is waited for; a limit of the day is not. */
const retryAfterMsMax = 3_600_000;
/** A proxy gave up on an endpoint that may have gone on. */
const timedOut: readonly number[] = [408, 504, 524];

export function lost({ address }: Place, found: string): Failure {
  const message = 'the endpoint accepted a request and gave no valid answer';
  const hint =
    'the request may have been billed, so it is repeated only a few times; look at the endpoint, then start the experiment again: answers that were received are kept';
  return { kind: 'lost', error: new MtrlError('ENDPOINT_ANSWER_INVALID', message, { where: address, found, hint }) };
}

export function unreachable({ address }: Place, found: string, retryAfterMs?: number): Failure {
  const error = new MtrlError('ENDPOINT_UNREACHABLE', 'the endpoint does not take requests', {
    ...{ where: address, found },
    hint: 'it is asked again; answers that were received are kept. Check the address, or lower requestCountMax',
  });
  return { kind: 'busy', error, retryAfterMs };
}

/** `said` is the error in the body, on one line and without the key. */
export function failureOf(
  place: Place,
  { status, retryAfterMs }: { readonly status: number; readonly retryAfterMs: number | undefined },
  said: ReportedError,
): Failure {
  const found = `status ${String(status)}: ${said.message.slice(0, 300)}`;
  const isQuota = status === 429 && /quota|billing/i.test(`${said.code} ${said.message.slice(0, 300)}`);
  const isLong = (retryAfterMs ?? 0) > retryAfterMsMax;
  if (isLong && retryAfterMs !== undefined) {
    const hint = 'start the experiment again then: answers that were received are kept';
    return refused(place, `${found}; Retry-After ${String(Math.ceil(retryAfterMs / 60_000))} minutes`, hint);
  }
  if (timedOut.includes(status)) return lost(place, found);
  if ((status === 429 && !isQuota) || status >= 500) return unreachable(place, found, retryAfterMs);
  return refused(place, found, isQuota ? 'check the plan and the billing of the account' : hintOf(status, place));
}

function refused({ address }: Place, found: string, hint: string): Failure {
  const message = 'the endpoint rejects the request';
  return { kind: 'final', error: new MtrlError('ENDPOINT_REFUSED', message, { where: address, found, hint }) };
}

function hintOf(status: number, { keyVariable }: Place): string {
  if (status === 401) return keyHint(keyVariable);
  if (status === 403) return `the key in ${keyVariable} has no access to this model: use another key or model`;
  if (status === 404) return 'check `endpoint` (it ends before /chat/completions) and `model`';
  if (status < 400) return 'a redirect is not followed: set `endpoint` to the address that it names';
  return 'correct the arm: the endpoint may want another `tokenLimit`, or fields in `omit`';
}

const tooLong = /context[_ ](length|window|size)|maximum context|too many tokens|prompt is too long|input is too long/i;
const filtered = /^(content_filter|content_policy_violation|responsible_ai_policy_violation)$/;
const badImage = /^(image_|invalid_image|invalid_base64_image|unsupported_image)/;

/** The outcome of a row that the endpoint does not take, whatever the recipe says; undefined if it is not the row. */
export function refusalOf(status: number, { code, message }: ReportedError): Refusal | undefined {
  if (status === 413) return 'prompt-too-long';
  if (status !== 400 && status !== 422) return undefined;
  if (tooLong.test(`${code} ${message}`)) return 'prompt-too-long';
  return filtered.test(code) || badImage.test(code) ? 'refused' : undefined;
}
