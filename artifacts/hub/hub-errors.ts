/** Failures of the Hub as coded errors that say what to do. */
import { HubApiError } from '@huggingface/hub';
import { type HubAddress, hubAddressText } from '../../core/hub-address.ts';
import { MtrlError } from '../../core/errors.ts';
import { codedFileError } from '../store/file-error.ts';
import type { HubSettings } from './hub-settings.ts';

/** @param error of a request about the repository or one of its files */
export function hubError(error: unknown, address: HubAddress, { endpoint, token }: HubSettings): unknown {
  if (error instanceof MtrlError) return error;
  const where = `${hubAddressText(address)} at ${endpoint}`;
  const page = `${endpoint}/${address.type === 'dataset' ? 'datasets/' : ''}${address.name}`;
  if (error instanceof HubApiError) {
    const found = `status ${error.statusCode}: ${firstSentence(error.message)}`;
    if (error.statusCode === 404)
      return new MtrlError('NOT_FOUND', 'the Hub has no such repository, revision or file', {
        where,
        found,
        hint: 'check the spelling and the revision: a branch may have been deleted and a commit replaced since it was recorded',
        cause: error,
      });
    if (error.statusCode === 401 || error.statusCode === 403)
      return new MtrlError('HUB_REFUSED', 'the Hub does not give access to the repository', {
        where,
        found,
        hint:
          token === undefined
            ? `it is gated or private, or does not exist: check the spelling, accept its terms at ${page}, and set HF_TOKEN for the workers (then \`mtrl down\` and \`mtrl up\`)`
            : `the token in HF_TOKEN lacks access, or the repository does not exist: check the spelling, and accept its terms at ${page}`,
        cause: error,
      });
    return unreachable('the Hub cannot answer now', where, found, error);
  }
  const coded = codedFileError(error);
  if (coded instanceof MtrlError) return coded;
  if (error instanceof TypeError || isOfNetwork(error)) {
    const reason = error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : '';
    return unreachable('the Hub does not answer', where, reason, error);
  }
  return error;
}

export function unreachable(message: string, where: string, found: string, cause?: unknown): MtrlError {
  return new MtrlError('HUB_UNREACHABLE', message, {
    where,
    found,
    hint: 'check the network and HF_ENDPOINT; files that are in the cache already (HF_HOME) need no network if the revision is a commit',
    ...(cause !== undefined && { cause }),
  });
}

/** Undici's errors of sockets and aborted bodies have codes of their own. */
function isOfNetwork(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(UND_ERR|E[A-Z]+)/.test(String(error.code));
}

/** The library appends the address and an id of the request. */
function firstSentence(message: string): string {
  return message.split(/\. (?:URL|Request ID):/)[0] ?? message;
}
