/** Updates end at the weights that PyTorch makes of the same rollouts and rewards. */
import { expect, test } from 'vitest';
import { type ReplayCase, replayCase, replayCases } from '../support/replay-fixture.ts';

test.each(Object.keys(replayCases) as ReplayCase[])('%s', async (name) => {
  const { relativeDifference, logProbDifferenceMax, updateCount, clippedShare } = await replayCase(name);
  const isSplit = 'epochCount' in replayCases[name];
  expect(updateCount).toBe(isSplit ? 12 : 6);
  expect(logProbDifferenceMax).toBeLessThan(1e-4);
  expect(relativeDifference).toBeLessThan(1e-4);
  // The limit of CISPO, a ratio of 5, is far from what three small steps reach.
  if (isSplit && !name.startsWith('cispo')) expect(clippedShare).toBeGreaterThan(0.05);
  else expect(clippedShare).toBe(0);
});
