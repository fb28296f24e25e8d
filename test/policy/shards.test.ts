/**
 * The sharding of a step's prompts, and the splitting of a shard into calls, change no bit, on a model whose products
 * are long enough for ONNX Runtime to split their sums by the number of rows.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import type { SampleRequest, SampledCompletion } from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { groupShares } from '../../policy/engines/embedded/packing/sample-batch.ts';

const vocabularySize = 96;
const promptTokenCountMax = 14;
const config = {
  ...{
    model_type: 'qwen2',
    vocab_size: vocabularySize,
    hidden_size: 160,
    intermediate_size: 1100,
    num_hidden_layers: 2,
  },
  ...{ num_attention_heads: 4, num_key_value_heads: 2, max_position_embeddings: 64, tie_word_embeddings: true },
};
const rng = new Rng('shards');
const prompts = Array.from({ length: 8 }, () => ({
  tokenIds: Array.from({ length: rng.integer(5, promptTokenCountMax + 1) }, () => rng.integer(3, vocabularySize)),
  images: [],
}));

const folder = mkdtempSync(join(tmpdir(), 'mtrl-shards-'));
const engine = new EmbeddedEngine({ threadCount: 1 });
beforeAll(async () => {
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  await engine.initialize(folder, 0);
});
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

async function sample(from: number, count: number, other: Partial<SampleRequest>) {
  const { groups } = await engine.sample({
    ...{ prompts: prompts.slice(from, from + count), promptOffset: from, promptTokenCountMax, seed: 1, step: 2 },
    ...{ groupSize: 4, sampling: { temperature: 1, greedy: false, tokenCountMax: 5 } },
    tokens: { stopTokenId: 2, padTokenId: 0, bannedTokenIds: [0] },
    ...other,
  });
  return groups;
}

async function inShards(shardSize: number, other: Partial<SampleRequest>): Promise<readonly SampledCompletion[][]> {
  const groups = [];
  for (let from = 0; from < prompts.length; from += shardSize) groups.push(...(await sample(from, shardSize, other)));
  return groups as SampledCompletion[][];
}

describe.each([1, 4, 8, 20, 40])('groups of %i', (groupSize) => {
  test.each([1, 2, 3, 5])("shards of %i prompts have the whole step's tokens and log-probs", async (shardSize) => {
    expect(await inShards(shardSize, { groupSize })).toEqual(await sample(0, prompts.length, { groupSize }));
  });
});

test('greedy shards equal the whole step', async () => {
  const sampling = { temperature: 1, greedy: true, tokenCountMax: 5 };
  expect(await inShards(1, { groupSize: 1, sampling })).toEqual(await sample(0, 8, { groupSize: 1, sampling }));
});

test('a group that is split into calls has the same rollouts as smaller groups', async () => {
  const whole = await sample(0, 1, { groupSize: 70 });
  const tokensOf = (group: readonly SampledCompletion[] = []) => group.map(({ tokenIds }) => tokenIds);
  expect(tokensOf(whole[0]).slice(0, 20)).toEqual(tokensOf((await sample(0, 1, { groupSize: 20 }))[0]));
  expect(groupShares(70)).toEqual([
    { rolloutOffset: 0, groupSize: 24 },
    { rolloutOffset: 24, groupSize: 23 },
    { rolloutOffset: 47, groupSize: 23 },
  ]);
});
