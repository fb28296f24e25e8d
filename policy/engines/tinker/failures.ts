/** What becomes of an answer that is no result: another attempt, a reload of the policy, or an error for the user. */
import { MtrlError } from '../../../core/errors.ts';
import { keyVariable } from './settings.ts';

/** The server does not know the session, model, result or save that a request names: it has restarted, or dropped it. */
export class LostOnServer extends MtrlError {
  constructor(found: string, where: string) {
    super('COMPUTE_CRASHED', 'the engine server does not know what a request names', {
      ...{ where, found },
      hint: 'has it restarted? MTRL_TINKER_URL is the address before /api/v1',
    });
    this.name = 'LostOnServer';
  }
}

/** The server refused a request; some calls know what to do about a status. */
export class Refused extends MtrlError {
  readonly status: number;

  constructor(status: number, found: string, where: string, hint: string) {
    super('ENGINE_REFUSED', 'the engine server refuses the request', { where, found, hint });
    this.name = 'Refused';
    this.status = status;
  }
}

/** Statuses after which the same request is sent again. 425: a save that it names is still being written. */
export const isPassing = (status: number): boolean => [408, 425, 429].includes(status) || status >= 500;

export function failureOf(status: number, said: string, where: string): Error {
  if (status === 404 || status === 410 || isStale(said)) return new LostOnServer(said, where);
  return new Refused(status, `status ${String(status)}: ${said}`, where, hintOf(status, said));
}

/** SkyRL's words for a request to a model of the process before a restart. */
const isStale = (said: string): boolean => /\bmodel \S+ not (loaded|found)\b|session not found/i.test(said);

function hintOf(status: number, said: string): string {
  if (status === 401 || status === 403) {
    return `set ${keyVariable} in the environment of the workers, and restart them (mtrl down, mtrl up)`;
  }
  if (status === 402) return 'check the billing of the account';
  if (/expected_?\s?tokens/i.test(said)) {
    return 'the server counts other tokens for an image: policy.checkpoint must have the image processor of the base model';
  }
  if (/loss_?fn|loss function/i.test(said)) return 'list the losses that the server has in MTRL_TINKER_LOSSES';
  return 'docs/tinker.md lists the versions of servers that were read';
}

export function unreachable(where: string, found: string): MtrlError {
  return new MtrlError('ENGINE_UNREACHABLE', 'the engine server does not answer', {
    ...{ where, found },
    hint: 'the activity is retried; check the server, or MTRL_TINKER_URL',
  });
}

export function invalidAnswer(where: string, found: string): MtrlError {
  return new MtrlError('ENGINE_ANSWER_INVALID', 'the answer of the engine server is not what the API says', {
    ...{ where, found },
    hint: 'docs/tinker.md lists the versions of servers that were read',
  });
}
