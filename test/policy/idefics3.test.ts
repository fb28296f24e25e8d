/**
 * The model against transformers: loss, log-probs and the gradient of every weight, on checkpoints that expose
 * differences.
 */
import { describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import type { TrainGroup } from '../../policy/engine.ts';
import {
  cases,
  expectedOf,
  fixtureImage,
  fixtureKinds,
  largestDifference,
  strided,
  supervisedGroups,
  tensorsOf,
  trainingRun,
} from '../support/idefics3-fixture.ts';

/** float32 on both sides; transformers' own attention kernels differ from each other by 4.5e-6. */
const tolerance = 2e-5;

describe.each(fixtureKinds)('%s checkpoint', (kind) => {
  const expected = expectedOf(kind);
  const valuesOf = tensorsOf(`${kind}.expected/expected.safetensors`);

  test.each(Object.keys(cases.cases))(
    '%s: the supervised loss and all gradients match those of transformers',
    async (name) => {
      const want = required(expected.cases[name], name);
      const run = await trainingRun(kind, supervisedGroups(required(cases.cases[name], name)), {
        loss: 'cross_entropy',
      });
      expect(Math.abs(run.loss - want.loss), `loss ${run.loss}, transformers ${want.loss}`).toBeLessThan(tolerance);
      for (const parameter of run.names) {
        const stride = want.gradientSampleStrides?.[parameter];
        const difference =
          stride === undefined
            ? largestDifference(run.gradientOf(parameter), valuesOf(`${name}.grad.${parameter}`))
            : largestDifference(
                strided(run.gradientOf(parameter), stride).slice(
                  0,
                  valuesOf(`${name}.grad_sample.${parameter}`).length,
                ),
                valuesOf(`${name}.grad_sample.${parameter}`),
              );
        expect(difference, `gradient of ${parameter}`).toBeLessThan(tolerance);
      }
    },
  );

  test('log-probs match transformers at every target', async () => {
    const fixture = required(cases.cases['two-images'], 'two-images');
    const targets = required(fixture.targetIds[0], 'targets');
    const logits = valuesOf('two-images.logits');
    const promptLength = required(fixture.promptIds[0], 'prompt').length;
    const run = await trainingRun(kind, supervisedGroups(fixture), { loss: 'cross_entropy' });
    const want = targets.map((target, index) =>
      logSoftmaxAt(logits.subarray((promptLength - 1 + index) * 64, (promptLength + index) * 64), target),
    );
    expect(largestDifference(run.logProbs, want)).toBeLessThan(tolerance);
  });

  test('clipped GRPO with a shared prompt matches the loss and gradients of the naive layout in torch', async () => {
    const { grpo } = cases;
    const tokenCount = grpo.completionIds.flat().length;
    const group: TrainGroup = {
      prompt: {
        tokenIds: required(grpo.promptIds[0], 'prompt'),
        images: required(grpo.imageIndices[0], 'images').map(fixtureImage),
      },
      completions: grpo.completionIds.map((tokenIds, index) => ({
        tokenIds,
        tokenWeight: 1 / tokenCount,
        advantage: required(grpo.advantages[index], 'advantage'),
        logProbs: required(expected.grpo.oldLogProbs[index], 'old log-probs'),
      })),
    };
    const run = await trainingRun(kind, [group], {
      loss: 'ppo',
      temperature: grpo.temperature,
      bannedTokenIds: grpo.bannedTokenIds,
      clip: grpo.clip,
    });
    expect(largestDifference(run.logProbs, expected.grpo.logProbs.flat())).toBeLessThan(tolerance);
    expect(Math.abs(run.loss - expected.grpo.loss)).toBeLessThan(tolerance);
    for (const parameter of run.names) {
      const sample = valuesOf(`grpo.grad_sample.${parameter}`);
      const stride = required(expected.grpo.gradientSampleStrides?.[parameter], 'stride');
      expect(
        largestDifference(strided(run.gradientOf(parameter), stride).slice(0, sample.length), sample),
        `gradient of ${parameter}`,
      ).toBeLessThan(tolerance);
    }
  });
});

function logSoftmaxAt(logits: Float32Array, index: number): number {
  const largest = Math.max(...logits);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
  return (logits[index] ?? NaN) - largest - Math.log(total);
}
