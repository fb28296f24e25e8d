import { expect, it } from 'vitest';
import { applySteps } from '../../pipeline/training/apply-update.ts';
import { memoryOf } from '../../pipeline/recipe-access.ts';
import type { ForwardBackwardRequest, MemorySpec } from '../../policy/engine.ts';
import { FakeEngine } from './fake-engine.ts';

const backend = 'onnxruntime';

it('a recipe without limits adds nothing to keys and requests', () => {
  expect(memoryOf({})).toEqual({});
  expect(memoryOf({ engine: { backend } })).toEqual({});
  expect(memoryOf({ engine: { backend, recompute: false } })).toEqual({});
});

it('limits of the recipe reach the engine with every step', async () => {
  const seen: (MemorySpec | undefined)[] = [];
  class Recording extends FakeEngine {
    override forwardBackward(request: ForwardBackwardRequest) {
      seen.push(request.memory);
      return super.forwardBackward(request);
    }
  }
  const { memory } = memoryOf({ engine: { backend, recompute: true, memoryByteLengthMax: 5e9 } });
  const completion = { tokenIds: [5, 1], tokenWeight: 0.5 };
  const step = {
    ...{ step: 0, learningRate: 1e-3, droppedGroupCount: 0, temperature: 1, loss: { name: 'cross_entropy' as const } },
    groups: [{ prompt: { tokenIds: [2, 3], images: [] }, completions: [completion] }],
  };
  const tokens = { stopTokenId: 1, padTokenId: 0, bannedTokenIds: [] };
  const adam = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientNormMax: 1 };
  await applySteps(new Recording(), { steps: [step, step], tokens }, { adam, ...(memory && { memory }) });
  await applySteps(new Recording(), { steps: [step], tokens }, { adam });
  const limits = { byteLengthMax: 5e9, recompute: true };
  expect(seen).toEqual([limits, limits, undefined]);
});
