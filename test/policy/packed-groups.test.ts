/** Packed groups against the naive layout, in which every completion has a prompt of its own. */
import { describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';
import type { TrainCompletion, TrainGroup } from '../../policy/engine.ts';
import { packCells } from '../../policy/engines/embedded/packing/pack-cells.ts';
import { cases, fixtureKinds, supervisedGroups, trainingRun } from '../support/idefics3-fixture.ts';

/** Groups with different prompts, sizes and lengths: every kind of padding occurs. */
function unevenGroups(): TrainGroup[] {
  const rng = new Rng('packed-groups', 0);
  const prompts = ['two-images', 'batch-left-padded'].flatMap((name) =>
    supervisedGroups(required(cases.cases[name], name)).map(({ prompt }) => prompt),
  );
  const lengths = [[3, 7, 1], [5], [2, 2]];
  return prompts.slice(0, lengths.length).map((prompt, index) => ({
    prompt,
    completions: (lengths[index] ?? []).map((length): TrainCompletion => ({
      tokenIds: Array.from({ length }, () => rng.integer(20, 60)),
      tokenWeight: rng.uniform() - 0.5,
    })),
  }));
}

describe.each(fixtureKinds)('%s checkpoint', (kind) => {
  test('packed groups match loss, log-probs and every gradient of the naive layout', async () => {
    const groups = unevenGroups();
    const naive = groups.flatMap(({ prompt, completions }) =>
      completions.map((completion) => ({ prompt, completions: [completion] })),
    );
    const packed = await trainingRun(kind, groups, { loss: 'cross_entropy' });
    const separate = await trainingRun(kind, naive, { loss: 'cross_entropy' });
    expect(Math.abs(packed.loss - separate.loss)).toBeLessThan(1e-5 * Math.abs(separate.loss));
    for (const [i, logProb] of separate.logProbs.entries())
      expect(Math.abs((packed.logProbs[i] ?? NaN) - logProb)).toBeLessThan(1e-5);
    for (const name of separate.names) {
      const [one, other] = [packed.gradientOf(name), separate.gradientOf(name)];
      const difference = Math.hypot(...one.map((value, i) => value - (other[i] ?? NaN)));
      // The gradient by a key's bias is only rounding noise: softmax is invariant to it.
      expect(difference, `gradient of ${name}`).toBeLessThan(1e-5 * Math.hypot(...other) + 1e-6);
    }
  });
});

describe('cells', () => {
  test('groups without padding have no extra tokens', () => {
    expect(packCells([{ prompt: 4, completions: [8, 8] }]).tokenCount).toBe(20);
    expect(packCells([{ prompt: 4, completions: [8, 7] }]).tokenCount).toBe(20);
  });

  test('every token of a group is in its cell', () => {
    const { tensors, tokenCount } = packCells([
      { prompt: 2, completions: [3, 1] },
      { prompt: 4, completions: [2] },
    ]);
    const read = (name: string): number[] => [...(required(tensors.get(name), name).data as BigInt64Array)].map(Number);
    const cells = [...read('promptCells'), ...read('completionCells')];
    expect(tokenCount).toBe(13);
    expect(read('tokenCells').map((cell) => cells[cell])).toEqual(Array.from({ length: tokenCount }, (_, i) => i));
    expect(read('completionCells')).toEqual([...[2, 3, 4, 12, 5, 12, 12, 12], ...[10, 11, 12, 12, 12, 12, 12, 12]]);
  });
});
