/** Six GRPO updates end at the weights that PyTorch makes of the same rollouts and rewards. */
import { expect, test } from 'vitest';
import { type ReplayCase, replayCase, replayCases } from '../support/replay-fixture.ts';

test.each(Object.keys(replayCases) as ReplayCase[])('%s', async (name) => {
  const { relativeDifference, logProbDifferenceMax, updateCount } = await replayCase(name);
  expect(updateCount).toBe(6);
  expect(logProbDifferenceMax).toBeLessThan(1e-4);
  expect(relativeDifference).toBeLessThan(1e-4);
});
