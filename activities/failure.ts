/**
 * Failures are classified once, here, where an activity meets Temporal (DESIGN section 5.6): a coded error becomes an
 * ApplicationFailure whose type is its code, retried only when its kind says that the surroundings were at fault.
 */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { fileError } from '../artifacts/store/file-error.ts';
import { describeError, MtrlError } from '../core/errors.ts';

/** An error without a code is a bug of ours: it may be a passing one, but not more often than this. */
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
    // Without the delay this worker, which is idle now, would take the retry again.
    ...(needsOtherWorker && { nextRetryDelay: otherWorker.retryDelay }),
    details: [{ message: error.message, where: where ?? null, found: found ?? null, hint: hint ?? null }],
    cause: error,
  });
}

/** The lines of the terminal's form, without the code that is the failure's type already. */
function messageOf(error: MtrlError): string {
  return describeError(error).slice(`${error.code}: `.length);
}
