/** Memory: plans, ceilings, and that neither recomputation nor splitting changes the training. */
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import type {
  ForwardBackwardRequest,
  LabelLogProbsRequest,
  MemorySpec,
  SampleRequest,
  TrainGroup,
} from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { labelGroups } from '../../policy/engines/label-groups.ts';
import { bucketsOf } from '../../policy/engines/embedded/optimizer-update.ts';
import {
  callByteLength,
  planOf,
  residentBytes,
  sizesFrom,
  total,
} from '../../policy/engines/embedded/memory/memory-plan.ts';
import { packGroups } from '../../policy/engines/embedded/packing/pack-groups.ts';
import { engineSettings } from '../../policy/engines/embedded/settings.ts';
import { spawnEmbeddedEngine } from '../../policy/engines/embedded/spawn.ts';
import { readConfig } from '../../policy/engines/embedded/weights.ts';
import { trainableSpecs } from '../../policy/models/trainable.ts';
import { type TrainingGraphOptions, trainingGraph } from '../../policy/models/training-graph.ts';
import {
  cases,
  fixtureKinds,
  folderOf,
  largestDifference,
  promptsOf,
  supervisedGroups,
} from '../support/idefics3-fixture.ts';
import { modelRun } from '../support/model-run.ts';

const fixture = required(cases.cases['batch-left-padded'], 'case');
const groups = supervisedGroups(fixture);
const tokens = { stopTokenId: cases.eosTokenId, padTokenId: cases.padTokenId, bannedTokenIds: [] };
const engine = new EmbeddedEngine({ threadCount: 1 });
afterAll(() => engine.close());

describe.each([
  ...fixtureKinds.map(folderOf),
  fileURLToPath(new URL('../fixtures/text-models/qwen3', import.meta.url)),
])('recomputed layers: %s', (folder) => {
  const textGroups: TrainGroup[] = groups.map(({ completions }) => ({
    prompt: { tokenIds: Array.from({ length: 60 }, (_, i) => 5 + i), images: [] },
    completions,
  }));
  const own = folder.endsWith('qwen3') ? textGroups : groups;

  test('match the loss and the gradients of kept layers', async () => {
    const kept = await modelRun(folder, own, { loss: 'cross_entropy' });
    const again = await modelRun(folder, own, { loss: 'cross_entropy', recompute: true });
    expect(again.loss).toBeCloseTo(kept.loss, 6);
    for (const name of kept.names) {
      const [expected, found] = [kept.gradientOf(name), again.gradientOf(name)];
      const size = Math.hypot(...expected);
      const difference = Math.hypot(...expected.map((value, i) => value - (found[i] ?? NaN)));
      expect(difference / size, name).toBeLessThan(1e-6);
    }
  });

  test('need less memory', async () => {
    const { architecture } = await readConfig(folder);
    const bytes = [false, true].map((recompute) => {
      const options = { withImages: own === groups, loss: 'cross_entropy', recompute } as const;
      const plan = planOf(trainingGraph(architecture, architecture.parameterSpecs, options));
      return plan.memoryOf(sizesFrom(plan.graph, packGroups(architecture, own).tensors)).computedByteLength;
    });
    expect(required(bytes[1], 'again') / required(bytes[0], 'kept')).toBeLessThan(0.9);
  });
});

describe('a ceiling', () => {
  const folder = folderOf('tied');
  const request: ForwardBackwardRequest = { groups, loss: { name: 'cross_entropy' }, temperature: 1, tokens };

  async function needed(
    own: readonly TrainGroup[],
    options: Omit<TrainingGraphOptions, 'withImages'>,
  ): Promise<number> {
    const { architecture } = await readConfig(folder);
    const graph = trainingGraph(architecture, architecture.parameterSpecs, { withImages: true, ...options });
    const call = callByteLength(planOf(graph), packGroups(architecture, own).tensors);
    return total(residentBytes(architecture.parameterSpecs, false, 0)) + call;
  }

  async function step(memory?: MemorySpec) {
    await engine.loadCheckpoint(folder);
    const result = await engine.forwardBackward({ ...request, ...(memory && { memory }) });
    await engine.optimStep({
      ...{ learningRate: 1e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientNormMax: 1 },
    });
    return { ...result, digest: await engine.weightsDigest() };
  }

  test('above the required memory changes no bit', async () => {
    expect(await step({ byteLengthMax: 1e12 })).toEqual(await step());
  });

  test('below it splits the step into micro-batches, with the same sum to rounding, reproducible to the bit', async () => {
    const memory = { byteLengthMax: (await needed(groups, { loss: 'cross_entropy', withReference: false })) - 1 };
    const [whole, cut, again] = [await step(), await step(memory), await step(memory)];
    expect(cut).toEqual(again);
    expect(cut.digest).not.toBe(whole.digest);
    expect(cut.loss).toBeCloseTo(whole.loss, 5);
  });

  test('under which one prompt does not fit is refused with the plan', async () => {
    await expect(step({ byteLengthMax: 301e6 })).rejects.toMatchObject({
      code: 'MEMORY_EXCEEDED',
      details: {
        where: 'engine.memoryByteLengthMax',
        found: expect.stringMatching(/weights \d+ MB.*training/) as string,
      },
    });
  });

  test('splits label log-probs into calls of fewer prompts, with the same results to rounding', async () => {
    await engine.loadCheckpoint(folder);
    const labels = [
      [20, cases.eosTokenId],
      [21, 22, cases.eosTokenId],
    ];
    const labelled = promptsOf(fixture).map((prompt) => ({ prompt, completions: labels }));
    const asked: LabelLogProbsRequest = { prompts: labelled, temperature: 1, tokens };
    const byteLengthMax = (await needed(labelGroups(labelled), {})) - 1;
    const [whole, cut] = [
      await engine.labelLogProbs(asked),
      await engine.labelLogProbs({ ...asked, memory: { byteLengthMax } }),
    ];
    expect(largestDifference(cut.flat(), whole.flat())).toBeLessThan(1e-5);
    await expect(engine.labelLogProbs({ ...asked, memory: { byteLengthMax: 300e6 } })).rejects.toMatchObject({
      code: 'MEMORY_EXCEEDED',
    });
  });

  test('splits rollouts into parts that sample the same as the whole batch', async () => {
    await engine.loadCheckpoint(folder);
    const sampling: SampleRequest = {
      ...{
        prompts: promptsOf(fixture),
        groupSize: 3,
        tokens,
        seed: 1,
        step: 2,
        promptOffset: 5,
        promptTokenCountMax: 48,
      },
      sampling: { temperature: 1, greedy: false, tokenCountMax: 6 },
    };
    const whole = await engine.sample(sampling);
    const bytes: number[] = [];
    for (let byteLengthMax = 320e6; ; byteLengthMax -= 1e6) {
      try {
        expect(await engine.sample({ ...sampling, memory: { byteLengthMax } })).toEqual(whole);
        bytes.push(byteLengthMax);
      } catch (error) {
        expect(error).toMatchObject({ code: 'MEMORY_EXCEEDED' });
        break;
      }
    }
    expect(bytes.length).toBeGreaterThan(1);
  });
});

test('updates in buckets cover every weight once, in order, within the bound except for single tensors', async () => {
  const { architecture } = await readConfig(folderOf('tied'));
  const specs = trainableSpecs(architecture, {});
  const buckets = bucketsOf(specs, 4096);
  expect(buckets.flat()).toEqual(specs);
  expect(buckets.length).toBeGreaterThan(3);
  for (const bucket of buckets) {
    const byteLength = bucket.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
    expect(bucket.length === 1 || byteLength <= 4096).toBe(true);
  }
});

test("a compute process above its worker's limit is killed, and the call reports it", async () => {
  const capped = spawnEmbeddedEngine({ threadCount: 1, memoryByteLengthMax: 1e6 });
  await expect(capped.loadCheckpoint(folderOf('tied'))).rejects.toMatchObject({ code: 'COMPUTE_OUT_OF_MEMORY' });
  expect(await capped.exited).toMatchObject({ signal: 'SIGKILL' });
});

test('a limit that is not a number of bytes is refused', () => {
  const settings = (text: string) => engineSettings({ MTRL_ENGINE_MEMORY_BYTE_LENGTH_MAX: text }, { threadCount: 1 });
  expect(settings('8000000000')).toEqual({ threadCount: 1, memoryByteLengthMax: 8e9 });
  expect(settings('')).toEqual({ threadCount: 1 });
  for (const text of ['8G', '-1', '0'])
    expect(() => settings(text)).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
});
