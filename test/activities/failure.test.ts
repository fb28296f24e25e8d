import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { expect, it } from 'vitest';
import { toFailure } from '../../activities/failure.ts';
import { MtrlError } from '../../core/errors.ts';

it.each([
  ['RECIPE_INVALID', true],
  ['LOGPROB_MISMATCH', true],
  ['NON_FINITE', true],
  ['ARTIFACT_CORRUPT', true],
  ['INVARIANT', true],
  ['STORE_UNREACHABLE', false],
  ['COMPUTE_CRASHED', false],
  ['COMPUTE_STALLED', false],
] as const)('%s ends the run: %s', (code, nonRetryable) => {
  const failure = toFailure(new MtrlError(code, 'what happened'), 1);
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure).toMatchObject({ type: code, nonRetryable, message: 'what happened' });
});

it('says the place, what was found and what to do in the failure itself', () => {
  const error = new MtrlError('NON_FINITE', 'the loss is not finite', {
    where: 'step 3',
    found: 'NaN',
    hint: 'lower it',
  });
  expect(toFailure(error, 1).message).toBe('the loss is not finite\n  at    step 3\n  found NaN\n  do    lower it');
});

it('tries an error without a code a few times only: a bug must come to light', () => {
  expect(toFailure(new TypeError('x is undefined'), 1)).toMatchObject({ type: 'INVARIANT', nonRetryable: false });
  expect(toFailure(new TypeError('x is undefined'), 5)).toMatchObject({ nonRetryable: true });
});

it('leaves a cancellation what it is', () => {
  const cancelled = new CancelledFailure('CANCELLED');
  expect(toFailure(cancelled, 1)).toBe(cancelled);
});

it('gives a replay on the wrong runtime time to reach another worker, but not for ever', () => {
  const error = new MtrlError('RUNTIME_MISMATCH', 'other weights');
  expect(toFailure(error, 1)).toMatchObject({ nonRetryable: false, nextRetryDelay: '30s' });
  expect(toFailure(error, 40)).toMatchObject({ nonRetryable: true });
});
