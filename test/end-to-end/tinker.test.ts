/**
 * A whole experiment with pictures whose engine is a server of the Tinker API: a format start, GRPO and evaluation. The
 * server and the network fail in every way, and a worker is killed: the policies and scores are those of a calm run.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { required } from '../../core/assert.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { tinkerEnvironment } from '../support/tinker-fixture.ts';
import { writeTinkerJudge } from '../support/tinker-judge.ts';
import { type Fault, TinkerServer } from '../support/tinker-server.ts';
import { tinkerSavesOf } from './tinker-saves.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { WholeStack } from './whole-stack.ts';

const baseModel = 'tests/judge';
const stepCount = 6;
let folder: string;
let logits: number[][];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-tinker-judge-'));
  logits = await writeTinkerJudge(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function recipeFor({ url }: TinkerServer): RecipeInput {
  const tiny = tinyRecipe({ sftStepCount: 3, grpoStepCount: stepCount });
  return { ...tiny, policy: { checkpoint: folder }, engine: { tinker: { url, baseModel, lora: { rank: 4 } } } };
}

/** The nth request of a verb -> what happens to it. */
const faults: Readonly<Record<string, Fault | 'restart'>> = {
  'asample 5': { status: 429, headers: { 'Retry-After': '1' } },
  'asample 9': { kind: 'drop' },
  'create_model 2': { kind: 'lose' },
  'forward_backward 2': { kind: 'lose' },
  'optim_step 2': { kind: 'lose' },
  'optim_step 5': 'restart',
  'retrieve_future 11': { status: 500 },
  'save_weights 2': { kind: 'lose' },
  'save_weights_for_sampler 2': { kind: 'lose' },
};

/** Returns the faults that have not happened yet. */
function disturb(server: TinkerServer): () => string[] {
  const counts = new Map<string, number>();
  server.fault = (verb) => {
    const count = (counts.get(verb) ?? 0) + 1;
    counts.set(verb, count);
    const fault = faults[`${verb} ${String(count)}`];
    if (fault !== 'restart') return fault;
    server.restart({ keepsSaves: true });
    return undefined;
  };
  return () =>
    Object.keys(faults).filter((name) => (counts.get(name.split(' ')[0] ?? '') ?? 0) < Number(name.split(' ')[1]));
}

/** What the experiment's policies were made of, and how they were scored. */
async function ended(server: TinkerServer, during: (stack: WholeStack) => Promise<void> = () => Promise.resolve()) {
  const environment = { ...tinkerEnvironment(server), MTRL_ENGINE: 'tinker', MTRL_TINKER_BASE_MODEL: baseModel };
  return WholeStack.using(async (stack) => {
    await stack.startExperiment('judge', recipeFor(server));
    await during(stack);
    const ended = await stack.result('judge');
    const saves = await tinkerSavesOf(stack, ended);
    const scores = ended.runs.map(({ evaluations }) => evaluations.map((each) => each.scores));
    return saves.map((save, i) => ({ ...save, scores: required(scores[i], 'scores') }));
  }, environment);
}

async function withServer<T>(body: (server: TinkerServer) => Promise<T>): Promise<T> {
  const server = await TinkerServer.start({ baseModel, logits });
  try {
    return await body(server);
  } finally {
    await server.close();
    expect(server.problems).toEqual([]);
  }
}

it('makes the same policies and scores through every fault of the server', async () => {
  const calm = await withServer(async (server) => {
    const found = await ended(server);
    expect(chunkTypesOf(server)).toEqual(new Set(['encoded_text', 'image']));
    return found;
  });
  expect(calm.map(({ runName, updateCount }) => [runName, updateCount])).toEqual([
    ['base/s0', undefined],
    ['sft-start/s0', 3],
    ['mt-rl/s0', stepCount],
  ]);
  // Readable answers, so that rewards differ and the policy learns by them.
  expect(new Set(calm.flatMap(({ scores }) => scores.map((each) => JSON.stringify(each)))).size).toBeGreaterThan(3);

  await withServer(async (server) => {
    const missing = disturb(server);
    const disturbed = await ended(server, async (stack) => {
      await stack.stepReached('judge/mt-rl/s0', 3);
      stack.kill('compute');
      await stack.up();
    });
    expect(disturbed).toEqual(calm);
    expect(missing()).toEqual([]);
  });
});

/** Of all prompts that were sampled from or trained on. */
function chunkTypesOf(server: TinkerServer): Set<string> {
  type Input = { readonly chunks: readonly { readonly type: string }[] };
  const inputs = server.requests.flatMap(({ verb, body }): readonly Input[] => {
    if (verb === 'asample') return [body['prompt'] as Input];
    if (verb !== 'forward_backward') return [];
    const { data } = body['forward_backward_input'] as { readonly data: readonly { readonly model_input: Input }[] };
    return data.map(({ model_input: input }) => input);
  });
  expect(inputs.every(({ chunks }) => chunks.some(({ type }) => type === 'image'))).toBe(true);
  return new Set(inputs.flatMap(({ chunks }) => chunks.map(({ type }) => type)));
}
