import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { expect, it } from 'vitest';
import { toFailure } from '../../activities/failure.ts';
import { MtrlError } from '../../core/errors.ts';
import { failureOf, revive } from '../../policy/engines/embedded/protocol.ts';

it.each([
  ['RECIPE_INVALID', true],
  ['LOGPROB_MISMATCH', true],
  ['NON_FINITE', true],
  ['ARTIFACT_CORRUPT', true],
  ['INVARIANT', true],
  ['STORE_UNREACHABLE', false],
  ['COMPUTE_CRASHED', false],
  ['COMPUTE_STALLED', false],
] as const)('maps %s to an activity failure with nonRetryable %s', (code, nonRetryable) => {
  const failure = toFailure(new MtrlError(code, 'what happened'), 1);
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure).toMatchObject({ type: code, nonRetryable, message: 'what happened' });
});

it("includes the place, the finding and the hint in the failure's message", () => {
  const error = new MtrlError('NON_FINITE', 'the loss is not finite', {
    where: 'step 3',
    found: 'NaN',
    hint: 'lower it',
  });
  expect(toFailure(error, 1).message).toBe('the loss is not finite\n  at    step 3\n  found NaN\n  do    lower it');
});

it('retries an error without a code only a few times: it is a bug', () => {
  expect(toFailure(new TypeError('x is undefined'), 1)).toMatchObject({ type: 'INVARIANT', nonRetryable: false });
  expect(toFailure(new TypeError('x is undefined'), 5)).toMatchObject({ nonRetryable: true });
});

it('retries an engine that got no memory as it does one that was killed for it', () => {
  for (const error of [new Error('std::bad_alloc'), new RangeError('Array buffer allocation failed')])
    expect(toFailure(revive(failureOf(error)), 50)).toMatchObject({
      ...{ type: 'COMPUTE_CRASHED', nonRetryable: false },
      message: expect.stringContaining(error.message) as string,
    });
});

it('passes a cancellation through unchanged', () => {
  const cancelled = new CancelledFailure('CANCELLED');
  expect(toFailure(cancelled, 1)).toBe(cancelled);
});

it('retries a replay on the wrong runtime with a delay, so that another worker can take it, but not forever', () => {
  const error = new MtrlError('RUNTIME_MISMATCH', 'other weights');
  expect(toFailure(error, 1)).toMatchObject({ nonRetryable: false, nextRetryDelay: '30s' });
  expect(toFailure(error, 40)).toMatchObject({ nonRetryable: true });
});
