/** Errors as HTTP statuses, in the error object of the OpenAI API. */
import { MtrlError } from '../../core/errors.ts';
import { UnusableRow } from '../../judge/datasets/reading.ts';

export type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 408 | 413 | 415 | 429 | 499 | 500 | 503 | 504;

interface ErrorPlace {
  /** The field of the request that is at fault, as a path. */
  readonly param?: string;
  /** For programs; by default the `type`. */
  readonly code?: string;
  /** Header Retry-After. */
  readonly retryAfterS?: number;
  readonly cause?: unknown;
}

export class HttpError extends Error {
  readonly status: ErrorStatus;
  readonly place: ErrorPlace;

  constructor(status: ErrorStatus, message: string, place: ErrorPlace = {}) {
    super(message, place.cause === undefined ? undefined : { cause: place.cause });
    this.name = 'HttpError';
    this.status = status;
    this.place = place;
  }
}

/** The body of an error response. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

const types: Readonly<Partial<Record<ErrorStatus, string>>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
  500: 'server_error',
  503: 'server_error',
  504: 'server_error',
};

export function bodyOf({ status, message, place }: HttpError): ErrorBody {
  const type = types[status] ?? 'invalid_request_error';
  return { error: { message, type, param: place.param ?? null, code: place.code ?? null } };
}

/** Any failure of a request. What is not the client's fault, and is not known to pass, is a 500. */
export function asHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof UnusableRow) return unusable(error);
  if (!(error instanceof MtrlError)) return new HttpError(500, 'the server failed', { cause: error });
  const { code, details } = error;
  const message = [error.message, details.found && `found ${details.found}`, details.hint].filter(Boolean).join('; ');
  const ofClient = statusOfCode[code];
  if (ofClient !== undefined) return new HttpError(ofClient, message, { code, cause: error });
  if (error.retryable) return new HttpError(503, message, { code, retryAfterS: 1, cause: error });
  return new HttpError(500, message, { code, cause: error });
}

/** Errors that a request can cause. */
const statusOfCode: Readonly<Partial<Record<MtrlError['code'], ErrorStatus>>> = {
  PROMPT_INVALID: 400,
  EXAMPLE_TOO_LONG: 400,
  IMAGE_UNREADABLE: 400,
  MEMORY_EXCEEDED: 413,
  NOT_FOUND: 404,
};

function unusable({ code, message }: UnusableRow): HttpError {
  return new HttpError(code === 'IMAGE_TOO_LARGE' ? 413 : 400, message, { code });
}
