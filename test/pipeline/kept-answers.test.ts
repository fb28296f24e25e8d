import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Answering, keptAnswers } from '../../pipeline/asking/kept-answers.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { LabelLogProbsRequest, SampleRequest } from '../../policy/engine.ts';

let root: string;
let store: ArtifactStore;
let asked: string[];
let snapshot: ArtifactRef;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-answers-'));
  store = new ArtifactStore(new FolderObjectStore(root));
  snapshot = await store.putJson('a snapshot');
  asked = [];
});
afterEach(() => rm(root, { recursive: true }));

const engine: Answering = {
  sample: ({ prompts }) => {
    asked.push('sample');
    const completion = { tokenIds: [3], logProbs: [-0.1], finishReason: 'stop' } as const;
    return Promise.resolve({ groups: prompts.map(() => [completion]) });
  },
  labelLogProbs: ({ prompts }) => {
    asked.push('labelLogProbs');
    return Promise.resolve(prompts.map(({ completions }) => completions.map((_, i) => -i / 3)));
  },
};

/** Caching as in one attempt of the activity; each attempt begins without memory. */
function attempt(policy = snapshot, keptAfterMs = 0): Answering {
  const deps = {
    store: new ArtifactStore(new FolderObjectStore(root)),
    codeVersion: () => '1',
    log: pino({ enabled: false }),
  };
  return keptAnswers(deps, { snapshot: policy, log: [] }, engine, keptAfterMs);
}

const tokens = { stopTokenId: 2, padTokenId: 0, bannedTokenIds: [0] };

function sampleRequest(brightness: number): SampleRequest {
  const image = { data: new Float32Array(12).fill(brightness), height: 2, width: 2 };
  return {
    prompts: [{ tokenIds: [1, 5], images: [image] }],
    ...{ groupSize: 1, tokens, seed: 0, step: 0, promptOffset: 0, promptTokenCountMax: 2 },
    sampling: { temperature: 1, greedy: true, tokenCountMax: 4 },
  };
}

function labelRequest(completion: readonly number[]): LabelLogProbsRequest {
  return {
    prompts: [{ prompt: { tokenIds: [1], images: [] }, completions: [completion, [9]] }],
    temperature: 1,
    tokens,
  };
}

it('gives the next attempt the answers to the same requests, and asks for the others', async () => {
  const first = attempt();
  const answers = [await first.sample(sampleRequest(1)), await first.labelLogProbs(labelRequest([7]))];
  expect(asked).toEqual(['sample', 'labelLogProbs']);
  const second = attempt();
  expect([await second.sample(sampleRequest(1)), await second.labelLogProbs(labelRequest([7]))]).toEqual(answers);
  expect(asked).toHaveLength(2);
  await second.sample(sampleRequest(2));
  await second.labelLogProbs(labelRequest([8]));
  expect(asked).toHaveLength(4);
});

it('does not reuse the answers of another policy', async () => {
  await attempt().sample(sampleRequest(1));
  await attempt(await store.putJson('another')).sample(sampleRequest(1));
  expect(asked).toHaveLength(2);
});

it('stores nothing of a short evaluation', async () => {
  await attempt(snapshot, 60_000).sample(sampleRequest(1));
  await attempt().sample(sampleRequest(1));
  expect(asked).toHaveLength(2);
});
