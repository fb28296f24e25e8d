import { expect, test } from 'vitest';
import { retryText } from '../../cli/retry-text.ts';

test('says why an activity is tried again', () => {
  const lastFailure = {
    message: 'the Hub does not answer\n  at    hf:org/name@main',
    applicationFailureInfo: { type: 'HUB_UNREACHABLE' },
  };
  const said = 'retrying after HUB_UNREACHABLE: the Hub does not answer\n  at    hf:org/name@main';
  expect(retryText([{ attempt: 1 }, { attempt: 3, lastFailure }])).toBe(said);
});

test('says nothing of activities that have not failed', () => {
  expect(retryText([])).toBeUndefined();
  expect(retryText([{ attempt: 1, lastFailure: null }, {}])).toBeUndefined();
});
