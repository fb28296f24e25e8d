/** Errors as HTTP: the status that fits the code, and what a person needs to know. */
import { type ErrorCode, MtrlError } from '../../core/errors.ts';
import type { Failure } from '../api.ts';

const statuses: Readonly<Partial<Record<ErrorCode, number>>> = {
  ...{ USAGE: 400, NOT_FOUND: 404, ARTIFACT_MISSING: 404, LABEL_CONFLICT: 409 },
  ...{ STORE_UNREACHABLE: 503, TEMPORAL_UNREACHABLE: 503 },
};

export function failureOf(error: unknown): { readonly status: number; readonly body: Failure } {
  const coded = codedError(error);
  const { where, found, hint } = coded.details;
  return {
    status: statuses[coded.code] ?? 500,
    body: {
      error: {
        ...{ code: coded.code, message: coded.message },
        ...(where !== undefined && { where }),
        ...(found !== undefined && { found }),
        ...(hint !== undefined && { hint }),
      },
    },
  };
}

function codedError(error: unknown): MtrlError {
  if (error instanceof MtrlError) return error;
  if (error instanceof URIError) return new MtrlError('USAGE', 'the address is not encoded as addresses are');
  return new MtrlError('INVARIANT', error instanceof Error ? error.message : String(error), { cause: error });
}
