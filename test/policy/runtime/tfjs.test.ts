import { describe, expect, it } from 'vitest';
import { opDifferences, stepDifference, tolerance } from '../../support/differential.ts';
import { fixtureKinds } from '../../support/idefics3-fixture.ts';

describe.each(['cpu', 'wasm'])('TensorFlow.js on %s against ONNX Runtime', (executionProvider) => {
  const settings = { threadCount: 1, backend: 'tfjs', executionProvider } as const;

  it('matches every case of every op', async () => {
    const differences = await opDifferences(settings);
    expect(
      differences.filter(({ problem }) => problem !== '').map(({ title, problem }) => `${title} ${problem}`),
    ).toEqual([]);
  });

  it.each(fixtureKinds)(
    'a whole GRPO step of the %s checkpoint samples the same tokens and ends with the same weights',
    async (kind) => {
      const { sameTokens, tokenCount, differences } = await stepDifference(kind, settings);
      expect(tokenCount).toBeGreaterThan(20);
      expect(sameTokens).toBe(true);
      expect(Object.entries(differences).filter(([, difference]) => !(difference <= tolerance))).toEqual([]);
    },
  );
});
