import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createControlActivities } from '../../activities/control.ts';
import type { RewardInput, RewardResult } from '../../contract/activities.ts';
import type { GraderItem } from '../../pipeline/training/grader.ts';
import type { RolloutShard, StepRewards } from '../../pipeline/training/rollout-artifact.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { Example } from '../../judge/example.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { storeTrainingExamples } from '../support/stored-dataset.ts';

const promptCount = 16;
const groupSize = 20;

let root = '';
let store: ArtifactStore;
let server: Server;
let asked: string[] = [];
/** Whether to refuse a request, by the id of its first judgment. */
let isRefused: (first: string) => boolean;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-reward-'));
  store = new ArtifactStore(new FolderObjectStore(root));
  asked = [];
  isRefused = () => false;
  server = createServer((request, response) => {
    void text(request).then((body) => {
      const { judgments } = JSON.parse(body) as { judgments: GraderItem[] };
      const first = judgments[0]?.rationale ?? '';
      asked.push(first);
      if (isRefused(first)) response.writeHead(500).end();
      else response.end(JSON.stringify({ scores: judgments.map(() => 0.5) }));
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(root, { recursive: true, force: true });
});

async function rewardInput(): Promise<RewardInput> {
  const tiny = tinyRecipe({ sftStepCount: 4, grpoStepCount: 4 }) as { arms: Record<string, object> };
  const { port } = server.address() as AddressInfo;
  const grader = { url: `http://127.0.0.1:${String(port)}/grade`, weight: 0.5, requestCountMax: 2 };
  const recipe = parseRecipe({
    ...tiny,
    arms: { ...tiny.arms, 'mt-rl': { ...tiny.arms['mt-rl'], mode: 'think', reward: { grader } } },
  });
  const task = Object.keys(recipe.tasks)[0] ?? '';
  const label = recipe.tasks[task]?.labels[0] ?? '';
  const examples = Array.from({ length: promptCount }, (_, i): Example => ({
    ...{ id: String(i), task, split: 'train', images: [], fields: {}, label, groupKey: String(i) },
  }));
  const dataset = await storeTrainingExamples(store, task, examples);
  const shard: RolloutShard = {
    ...{ schema: 1, step: 0, shard: { index: 0, count: 1 } },
    prompts: examples.map((example, exampleIndex) => ({
      ...{ exampleIndex, exampleId: example.id, task, promptTokenCount: 1 },
      rollouts: Array.from({ length: groupSize }, (_, k) => ({
        ...{ tokenIds: [1], logProbs: [0], finishReason: 'stop' as const },
        text: `<think> ${String(exampleIndex * groupSize + k)} </think> <answer> ${label} </answer>`,
      })),
    })),
  };
  return {
    ...{ recipe: await store.putJson(recipe), dataset, arm: 'mt-rl', seed: 0, step: 0 },
    rollouts: [await store.putJson(shard)],
  };
}

/** Runs one attempt of the activity, each on another worker. */
function attempt(input: RewardInput): Promise<RewardResult> {
  const { reward } = createControlActivities({ store, codeVersion: () => 'code', log: pino({ level: 'silent' }) });
  const environment = new MockActivityEnvironment({}, { logger: silentLogger });
  return environment.run<[RewardInput], RewardResult, typeof reward>(reward, input);
}

it('asks a grader once per judgment, even if an attempt fails and another worker takes over', async () => {
  const input = await rewardInput();
  isRefused = (first) => first === '128';
  await expect(attempt(input)).rejects.toMatchObject({ type: 'GRADER_FAILED', nonRetryable: false });
  isRefused = () => false;
  const result = await attempt(input);
  const { prompts } = (await store.getJson(result.rewards)) as StepRewards;
  const values = prompts.flatMap(({ rollouts }) => rollouts.map(({ reward }) => reward.value));
  expect(values).toHaveLength(promptCount * groupSize);
  // Correct by the label, and scored 0.5 by the grader.
  expect(new Set(values)).toEqual(new Set([0.775]));
  expect(asked.filter((first) => first !== '128').sort()).toEqual(['0', '192', '256', '64']);
  expect(asked.filter((first) => first === '128')).toHaveLength(2);
});
