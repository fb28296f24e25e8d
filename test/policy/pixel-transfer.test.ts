/**
 * Pixels that the compute process requests per call give the same bits as pixels in the request, with bounded messages.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import type { Prompt, TrainGroup } from '../../policy/engine.ts';
import type { ComputeVerbs } from '../../policy/engines/embedded/compute-verbs.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { PixelAsks } from '../../policy/engines/embedded/pixel-asks.ts';
import type { PixelAsk } from '../../policy/engines/embedded/protocol.ts';
import { type ComputeProcess, spawnEmbeddedEngine } from '../../policy/engines/embedded/spawn.ts';
import { cases, folderOf, promptsOf } from '../support/idefics3-fixture.ts';

const tokens = {
  stopTokenId: cases.eosTokenId,
  padTokenId: cases.padTokenId,
  bannedTokenIds: [cases.padTokenId, ...cases.suppressedTokenIds],
};
const atHand = promptsOf(required(cases.cases['batch-left-padded'], 'case'));
let madeCount = 0;
const deferred = atHand.map(({ tokenIds, images }): Prompt => ({
  tokenIds,
  images: images.map(({ height, width }) => ({ height, width })),
  pixels: () => {
    madeCount++;
    return Promise.resolve(images);
  },
}));
/** Enough groups to split an update into several calls. */
const groupsOf = (prompts: readonly Prompt[]): TrainGroup[] =>
  Array.from({ length: 40 }, (_, i) => ({
    prompt: required(prompts[i % prompts.length], 'a prompt'),
    completions: [{ tokenIds: Array.from({ length: 12 }, (__, t) => 5 + ((i + t) % 40)), tokenWeight: 1 / 480 }],
  }));
const adamw = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientNormMax: 1, learningRate: 1e-3 };

async function stepOf(engine: ComputeVerbs, prompts: readonly Prompt[]) {
  await engine.loadCheckpoint(folderOf('tied'));
  const { groups } = await engine.sample({
    ...{ prompts, groupSize: 4, tokens, seed: 5, step: 3, promptOffset: 0, promptTokenCountMax: 48 },
    sampling: { temperature: 1, greedy: false, tokenCountMax: 12 },
  });
  const common = { temperature: 1, tokens };
  const labels = prompts.map((prompt) => ({
    prompt,
    completions: [
      [7, tokens.stopTokenId],
      [9, tokens.stopTokenId],
    ],
  }));
  const labelLogProbs = await engine.labelLogProbs({ prompts: labels, ...common });
  const update = await engine.forwardBackward({
    groups: groupsOf(prompts),
    loss: { name: 'cross_entropy' },
    ...common,
  });
  const { gradientNorm } = await engine.optimStep(adamw);
  return { groups, labelLogProbs, update, gradientNorm, digest: await engine.weightsDigest() };
}

let here: EmbeddedEngine;
let there: ComputeProcess;
beforeAll(() => {
  here = new EmbeddedEngine({ threadCount: 2 });
  there = spawnEmbeddedEngine({ threadCount: 2 });
});
afterAll(() => Promise.all([here.close(), there.close()]));

it('requested pixels give the same bits as included ones: rollouts, labels, gradients, weights', async () => {
  const wanted = await stepOf(here, atHand);
  expect(await stepOf(there, deferred)).toEqual(wanted);
  expect(madeCount).toBeGreaterThan(0);
  expect(await stepOf(there, atHand)).toEqual(wanted);
  // Also if requested within this process.
  expect(await stepOf(here, deferred)).toEqual(wanted);
});

it('a prompt whose pixels fail to decode fails the call with its code, and the engine stays usable', async () => {
  const [prompt, ...others] = deferred as [Prompt, ...Prompt[]];
  const broken: Prompt = {
    ...prompt,
    pixels: () =>
      Promise.reject(new MtrlError('IMAGE_UNREADABLE', 'the image cannot be decoded', { where: 'image x' })),
  };
  await expect(stepOf(there, [broken, ...others])).rejects.toMatchObject({
    code: 'IMAGE_UNREADABLE',
    details: { where: 'image x' },
  });
  expect((await stepOf(there, deferred)).digest).toMatch(/^[0-9a-f]{64}$/);
});

it('a step of 64 prompts of 17 tiles requests one prompt per message, one message at a time', async () => {
  const sent: PixelAsk[] = [];
  const asks = new PixelAsks((ask) => sent.push(ask));
  const tile = { height: 512, width: 512 };
  const large = { tokenIds: [1], images: Array.from({ length: 17 }, () => tile) };
  const attached = asks.attach(7, { prompts: Array.from({ length: 64 }, () => large) }) as {
    prompts: { pixels: () => Promise<unknown> }[];
  };
  const made = Promise.all(attached.prompts.map(({ pixels }) => pixels()));
  for (let i = 0; i < 64; i++) {
    await Promise.resolve();
    expect(sent).toHaveLength(i + 1);
    expect(sent[i]).toEqual({ callId: 7, pixelsOf: [i] });
    asks.receive({ pixels: [[]] });
  }
  expect(await made).toHaveLength(64);
});

it('small prompts of a call share a message', async () => {
  const sent: PixelAsk[] = [];
  const asks = new PixelAsks((ask) => sent.push(ask));
  const small = { tokenIds: [1], images: [{ height: 32, width: 32 }] };
  const attached = asks.attach(7, { prompts: [small, small, small] }) as {
    prompts: { pixels: () => Promise<unknown> }[];
  };
  const made = Promise.all(attached.prompts.map(({ pixels }) => pixels()));
  await Promise.resolve();
  expect(sent).toEqual([{ callId: 7, pixelsOf: [0, 1, 2] }]);
  asks.receive({ pixels: [[], [], []] });
  await made;
});
