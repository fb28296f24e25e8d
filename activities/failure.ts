/**
 * The one place that classifies failures, at the boundary of an activity (DESIGN section 5.6). A coded error becomes an
 * ApplicationFailure whose type is its code, retried only if its kind says that the environment was at fault.
 */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { fileError } from '../artifacts/store/file-error.ts';
import { describeError, MtrlError } from '../core/errors.ts';

/** Maximum attempts at an error without a code, which is a bug in this project that may be transient. */
const uncodedAttemptCountMax = 5;

/** 20 minutes: long enough for a worker with the recorded runtime to take the retry, or to be started. */
const otherWorker = { attemptCountMax: 40, retryDelay: '30s' } as const;

export function toFailure(error: unknown, attempt: number): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (error instanceof MtrlError) return codedFailure(error, attempt);
  const ofFile = fileError(error);
  if (ofFile !== undefined) return codedFailure(ofFile, attempt);
  return ApplicationFailure.create({
    type: 'INVARIANT',
    message: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    nonRetryable: attempt >= uncodedAttemptCountMax,
    cause: error instanceof Error ? error : new Error(String(error)),
  });
}

function codedFailure(error: MtrlError, attempt: number): ApplicationFailure {
  const { where, found, hint } = error.details;
  const needsOtherWorker = error.code === 'RUNTIME_MISMATCH';
  return ApplicationFailure.create({
    type: error.code,
    message: messageOf(error),
    nonRetryable: !error.retryable || (needsOtherWorker && attempt >= otherWorker.attemptCountMax),
    // Without the delay this worker, which is now idle, would take the retry again.
    ...(needsOtherWorker && { nextRetryDelay: otherWorker.retryDelay }),
    details: [{ message: error.message, where: where ?? null, found: found ?? null, hint: hint ?? null }],
    cause: error,
  });
}

/** The error's text as on the terminal, without the code, which is already the failure's type. */
function messageOf(error: MtrlError): string {
  return describeError(error).slice(`${error.code}: `.length);
}
