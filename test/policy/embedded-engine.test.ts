import { mkdtemp, rm, cp, writeFile, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import type { OptimStepRequest, SampleRequest, SampledCompletion } from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { grpo } from '../../policy/algorithms/grpo.ts';
import { cases, expectedOf, fixtureKinds, folderOf, promptsOf, supervisedGroups } from '../support/idefics3-fixture.ts';

const tokens = {
  stopTokenId: cases.eosTokenId,
  padTokenId: cases.padTokenId,
  bannedTokenIds: [cases.padTokenId, ...cases.suppressedTokenIds],
};
const adamw: OptimStepRequest = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.01,
  gradientNormMax: 1,
};
const prompts = promptsOf(required(cases.cases['batch-left-padded'], 'case'));
const request: SampleRequest = {
  prompts,
  groupSize: 4,
  sampling: { temperature: 1, greedy: false, tokenCountMax: 12 },
  tokens,
  seed: 5,
  step: 3,
  promptOffset: 0,
  promptTokenCountMax: 48,
};

let scratch: string;
let engine: EmbeddedEngine;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'mtrl-engine-'));
  engine = new EmbeddedEngine({ threadCount: 1 });
});
afterAll(async () => {
  await engine.close();
  await rm(scratch, { recursive: true });
});

describe.each(fixtureKinds)('%s checkpoint', (kind) => {
  test.each(Object.keys(cases.cases))('%s: matches the greedy tokens of transformers', async (name) => {
    await engine.loadCheckpoint(folderOf(kind));
    const { groups } = await engine.sample({
      ...request,
      prompts: promptsOf(required(cases.cases[name], name)),
      groupSize: 1,
      promptTokenCountMax: 60,
      // transformers stops at <eos> and bans the fixture's suppressed tokens.
      tokens: { ...tokens, bannedTokenIds: cases.suppressedTokenIds },
      sampling: { temperature: 1, greedy: true, tokenCountMax: 8 },
    });
    const greedy = groups.map((group) => required(group[0], 'completion').tokenIds);
    expect(greedy).toEqual(required(expectedOf(kind).cases[name], name).greedyIds.map((ids) => upToStop(ids)));
  });

  test('the trainer computes the same log-probs as the rollout', async () => {
    await engine.loadCheckpoint(folderOf(kind));
    const { groups } = await engine.sample(request);
    const result = await engine.forward({
      groups: prompts.map((prompt, index) => ({
        prompt,
        completions: required(groups[index], 'group').map((rollout) => ({
          tokenIds: rollout.tokenIds,
          tokenWeight: 0,
        })),
      })),
      temperature: 1,
      tokens,
      weights: 'current',
    });
    const differences = groups.flatMap((group, i) =>
      group.flatMap((rollout, k) => rollout.logProbs.map((value, t) => Math.abs(value - (result[i]?.[k]?.[t] ?? NaN)))),
    );
    expect(differences.length).toBeGreaterThan(20);
    expect(Math.max(...differences)).toBeLessThan(1e-5);
  });
});

describe('sampling', () => {
  test('samples the same tokens and log-probs for any sharding of the batch', async () => {
    await engine.loadCheckpoint(folderOf('untied-gqa'));
    const whole = await engine.sample(request);
    const parts = [];
    for (const [index, prompt] of prompts.entries()) {
      parts.push(...(await engine.sample({ ...request, prompts: [prompt], promptOffset: index })).groups);
    }
    expect(parts).toEqual(whole.groups);
  });

  test('samples a smaller group as the beginning of a larger one', async () => {
    await engine.loadCheckpoint(folderOf('tied'));
    const four = await engine.sample(request);
    const two = await engine.sample({ ...request, groupSize: 2 });
    expect(two.groups.map((group) => group.map(tokenIdsOf))).toEqual(
      four.groups.map((group) => group.slice(0, 2).map(tokenIdsOf)),
    );
  });

  test('samples other tokens with another seed or step', async () => {
    await engine.loadCheckpoint(folderOf('tied'));
    const base = await engine.sample(request);
    expect(await engine.sample({ ...request, seed: 6 })).not.toEqual(base);
    expect(await engine.sample({ ...request, step: 4 })).not.toEqual(base);
    expect(await engine.sample(request)).toEqual(base);
  });

  test('never samples banned tokens, at any temperature', async () => {
    await engine.loadCheckpoint(folderOf('tied'));
    const { groups } = await engine.sample({
      ...request,
      groupSize: 64,
      sampling: { temperature: 50, greedy: false, tokenCountMax: 12 },
    });
    const drawn = groups.flat().flatMap((rollout) => rollout.tokenIds);
    expect(drawn.length).toBeGreaterThan(500);
    expect(drawn.filter((id) => tokens.bannedTokenIds.includes(id))).toEqual([]);
  });

  test('samples first tokens with the frequencies that the log-probs state', async () => {
    await engine.loadCheckpoint(folderOf('tied'));
    const groupSize = 4000;
    const { groups } = await engine.sample({
      ...request,
      prompts: prompts.slice(0, 1),
      groupSize,
      sampling: { temperature: 1, greedy: false, tokenCountMax: 1 },
    });
    const counts = new Map<number, { count: number; probability: number }>();
    for (const { tokenIds, logProbs } of required(groups[0], 'group')) {
      const entry = counts.get(required(tokenIds[0], 'token')) ?? {
        count: 0,
        probability: Math.exp(required(logProbs[0], 'log-prob')),
      };
      counts.set(required(tokenIds[0], 'token'), { ...entry, count: entry.count + 1 });
    }
    for (const [token, { count, probability }] of counts) {
      const deviation = Math.sqrt(groupSize * probability * (1 - probability));
      expect(Math.abs(count - groupSize * probability), `token ${token}`).toBeLessThan(5 * deviation + 1);
    }
  });

  test('ends a row after its stop token, and marks a row without one as truncated', async () => {
    await engine.loadCheckpoint(folderOf('tied'));
    const { groups } = await engine.sample({
      ...request,
      groupSize: 64,
      sampling: { temperature: 3, greedy: false, tokenCountMax: 40 },
    });
    const rollouts = groups.flat();
    for (const { tokenIds, logProbs, finishReason } of rollouts) {
      expect(logProbs.length).toBe(tokenIds.length);
      expect(tokenIds.indexOf(tokens.stopTokenId)).toBe(finishReason === 'stop' ? tokenIds.length - 1 : -1);
      if (finishReason === 'length') expect(tokenIds.length).toBe(40);
    }
    expect(new Set(rollouts.map((rollout) => rollout.finishReason))).toEqual(new Set(['stop', 'length']));
  });

  test('refuses a prompt longer than the padding instead of cutting it', async () => {
    await engine.loadCheckpoint(folderOf('tied'));
    await expect(engine.sample({ ...request, promptTokenCountMax: 20 })).rejects.toMatchObject({
      code: 'EXAMPLE_TOO_LONG',
    });
  });
});

describe('training', () => {
  test('several micro-batches have the loss of one, and log-probs that do not depend on the position', async () => {
    await engine.loadCheckpoint(folderOf('tied'));
    const groups = Array.from({ length: 150 }, () =>
      supervisedGroups(required(cases.cases['batch-left-padded'], 'case')),
    ).flat();
    const loss = { name: 'cross_entropy' } as const;
    const many = await engine.forwardBackward({ groups, loss, temperature: 1, tokens });
    const one = await engine.forwardBackward({ groups: groups.slice(0, 2), loss, temperature: 1, tokens });
    expect(many.logProbs.length).toBe(groups.length);
    expect(Math.abs(many.loss / 150 - one.loss)).toBeLessThan(1e-4);
    // Groups of the longer kind: their lengths are the longest of every micro-batch.
    for (let i = 0; i < groups.length; i += 2) expect(many.logProbs[i], `group ${i}`).toEqual(many.logProbs[0]);
    expect(many.logProbs[3]).toEqual(many.logProbs[1]);
  });

  test('GRPO raises the probability of rewarded tokens', async () => {
    await engine.loadCheckpoint(folderOf('untied-gqa'));
    const share = async (): Promise<number> => {
      const { groups } = await engine.sample({
        ...request,
        groupSize: 200,
        sampling: { temperature: 1, greedy: false, tokenCountMax: 1 },
      });
      return groups.flat().filter((rollout) => (rollout.tokenIds[0] ?? 0) % 2 === 0).length / groups.flat().length;
    };
    const before = await share();
    for (let step = 0; step < 12; step++) {
      const { groups } = await engine.sample({
        ...request,
        step,
        groupSize: 16,
        sampling: { temperature: 1, greedy: false, tokenCountMax: 1 },
      });
      const rewards = groups.map((group) => group.map((rollout) => ((rollout.tokenIds[0] ?? 0) % 2 === 0 ? 1 : 0)));
      const update = grpo.groups({ prompts, rollouts: groups, rewards }, {});
      if (update.groups.length === 0) continue;
      await engine.forwardBackward({
        groups: update.groups,
        loss: grpo.loss({}),
        temperature: 1,
        tokens,
      });
      await engine.optimStep({ ...adamw, learningRate: 1e-2 });
    }
    expect(await share()).toBeGreaterThan(before + 0.2);
  });

  test('the KL term to the policy itself is zero, and grows with the distance', async () => {
    await engine.loadCheckpoint(folderOf('tied'));
    await engine.loadReference(folderOf('tied'));
    const { groups: rollouts } = await engine.sample(request);
    const zeroAdvantage = async (): Promise<number> => {
      const sampled = prompts.map((prompt, index) => ({
        prompt,
        completions: required(rollouts[index], 'group').map(({ tokenIds, logProbs }) => ({
          tokenIds,
          logProbs,
          tokenWeight: 0.01,
          advantage: 0,
        })),
      }));
      const reference = await engine.forward({ groups: sampled, temperature: 1, tokens, weights: 'reference' });
      const groups = sampled.map((group, i) => ({
        ...group,
        completions: group.completions.map((completion, k) => ({
          ...completion,
          referenceLogProbs: required(reference[i]?.[k], 'reference'),
        })),
      }));
      return (
        await engine.forwardBackward({
          groups,
          loss: { name: 'ppo', clipLow: 0.2, clipHigh: 0.2, klCoefficient: 1 },
          temperature: 1,
          tokens,
        })
      ).loss;
    };
    expect(Math.abs(await zeroAdvantage())).toBeLessThan(1e-6);
    for (let step = 0; step < 3; step++) {
      await engine.forwardBackward({
        groups: supervisedGroups(required(cases.cases['batch-left-padded'], 'case')),
        loss: { name: 'cross_entropy' },
        temperature: 1,
        tokens,
      });
      await engine.optimStep({ ...adamw, learningRate: 1e-2 });
    }
    expect(await zeroAdvantage()).toBeGreaterThan(1e-3);
  });

  test('training resumes bit-exactly from a saved state', async () => {
    const groups = supervisedGroups(required(cases.cases['one-image'], 'case'));
    const train = async (): Promise<void> => {
      await engine.forwardBackward({ groups, loss: { name: 'cross_entropy' }, temperature: 1, tokens });
      await engine.optimStep(adamw);
    };
    await engine.loadCheckpoint(folderOf('untied-gqa'));
    await train();
    await train();
    await engine.saveState(scratch);
    await train();
    const undisturbed = await engine.weightsDigest();
    await engine.loadState(scratch);
    const update = await engine.forwardBackward({ groups, loss: { name: 'cross_entropy' }, temperature: 1, tokens });
    expect(update.tokenCount).toBe(groups[0]?.completions[0]?.tokenIds.length);
    expect((await engine.optimStep(adamw)).updateCount).toBe(3);
    expect(await engine.weightsDigest()).toBe(undisturbed);
  });

  test('a request that starts anew drops the gradient of an update that was not made', async () => {
    const groups = supervisedGroups(required(cases.cases['one-image'], 'case'));
    const request = { groups, loss: { name: 'cross_entropy' }, temperature: 1, tokens } as const;
    const digestAfter = async (...requests: Parameters<EmbeddedEngine['forwardBackward']>[0][]): Promise<string> => {
      await engine.loadCheckpoint(folderOf('tied'));
      for (const each of requests) await engine.forwardBackward(each);
      await engine.optimStep(adamw);
      return engine.weightsDigest();
    };
    const once = await digestAfter(request);
    // A temperature of 0 gives a loss and gradients that are not finite.
    const broken = { ...request, temperature: 0 };
    expect(await digestAfter(broken, { ...request, startsAnew: true })).toBe(once);
    await expect(digestAfter(broken, request)).rejects.toMatchObject({ code: 'NON_FINITE' });
  });

  test('fresh weights are determined by the seed', async () => {
    await engine.initialize(folderOf('tied'), 1);
    const first = await engine.weightsDigest();
    await engine.initialize(folderOf('tied'), 2);
    expect(await engine.weightsDigest()).not.toBe(first);
    await engine.initialize(folderOf('tied'), 1);
    expect(await engine.weightsDigest()).toBe(first);
  });
});

describe('invalid checkpoints', () => {
  const broken = async (
    change: (config: { text_config: Record<string, unknown> } & Record<string, unknown>) => void,
  ): Promise<string> => {
    const folder = await mkdtemp(join(scratch, 'broken-'));
    await cp(folderOf('tied'), folder, { recursive: true });
    const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as {
      text_config: Record<string, unknown>;
    } & Record<string, unknown>;
    change(config);
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    return folder;
  };

  test('names a tensor whose shape differs from the config', async () => {
    const folder = await broken((config) => (config.text_config['intermediate_size'] = 65));
    await expect(engine.loadCheckpoint(folder)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringContaining('mlp.down_proj.weight') as string,
      details: { found: '[32, 64]', hint: 'config.json requires [32, 65]' },
    });
  });

  test('names a missing tensor', async () => {
    const folder = await broken((config) => (config['tie_word_embeddings'] = false));
    await expect(engine.loadCheckpoint(folder)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: 'the tensor lm_head.weight is missing',
    });
  });

  test('refuses another architecture by name', async () => {
    const folder = await broken((config) => (config['model_type'] = 'llava'));
    await expect(engine.loadCheckpoint(folder)).rejects.toMatchObject({
      code: 'CHECKPOINT_UNSUPPORTED',
      message: expect.stringContaining('model_type') as string,
    });
  });
});

function tokenIdsOf(completion: SampledCompletion): readonly number[] {
  return completion.tokenIds;
}

function upToStop(ids: readonly number[]): readonly number[] {
  const stop = ids.indexOf(cases.eosTokenId);
  return stop === -1 ? ids : ids.slice(0, stop + 1);
}
