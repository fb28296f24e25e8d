/** An arm that asks an endpoint, from the recipe to its scores: what is asked, what is paid for, and when it ends. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createControlActivities } from '../../activities/control.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { required } from '../../core/assert.ts';
import type { EvaluateEndpointInput, EvaluateEndpointResult } from '../../contract/endpoints.ts';
import { createEvaluateEndpoint } from '../../pipeline/asking/endpoints/evaluate-endpoint.ts';
import type { EvaluationJudgments } from '../../pipeline/asking/judgments-artifact.ts';
import { keptEvaluation } from '../../pipeline/asking/kept-evaluation.ts';
import { noUsage } from '../../pipeline/asking/endpoints/spending.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { recordsOf } from '../../pipeline/policies/run-log.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { callerWith } from '../support/caller.ts';
import { type ChatBody, EndpointServer, type Reply } from '../support/endpoint-server.ts';
import { silentLogger } from '../support/silent-logger.ts';

const key = 'sk-secret-0123456789';
const rowCount = 8;
const environment = new MockActivityEnvironment({}, { logger: silentLogger });
let root: string;
let server: EndpointServer;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-endpoint-'));
  server = await EndpointServer.start(truthful, key);
  const rows = Array.from({ length: rowCount }, (_, id) => {
    return JSON.stringify({ id, image: `${String(id)}.png`, says: `sign ${String(id)}`, label: labelOf(id) });
  });
  await writeFile(join(root, 'rows.jsonl'), rows.join('\n'));
  for (let id = 0; id < rowCount; id++) {
    const background = { r: 20 * id, g: 0, b: 0 };
    const picture = sharp({ create: { width: 8, height: 8, channels: 3, background } });
    // One is of a format that services do not take, whatever its name.
    await writeFile(join(root, `${String(id)}.png`), await (id === 0 ? picture.tiff() : picture.png()).toBuffer());
  }
});
afterEach(async () => {
  await server.close();
  await rm(root, { recursive: true, force: true });
});

const labelOf = (id: number): string => (id % 2 === 0 ? 'yes' : 'no');

/** The text of the last message. */
function textIn({ messages }: ChatBody): string {
  const { content } = required(messages.at(-1), 'a message');
  return typeof content === 'string' ? content : content.flatMap((part) => ('text' in part ? [part.text] : [])).join();
}

const idIn = (body: ChatBody): number => Number(/sign (\d+)/.exec(textIn(body))?.[1]);
const truthful: Reply = (body) => `<answer> ${labelOf(idIn(body))} </answer>`;

interface Changes {
  readonly policy?: object;
  readonly evaluation?: RecipeInput['evaluation'];
  readonly stopSequences?: string[];
  readonly mode?: 'think' | 'direct';
}

function recipeWith({ policy, evaluation, stopSequences, mode = 'direct' }: Changes): RecipeInput {
  return {
    name: 'endpoint',
    tasks: { t: { kind: 'pointwise', labels: ['yes', 'no'], prompt: '<image> {{ says }} ? {{ mode_word }}' } },
    datasets: [
      {
        reader: 'jsonl',
        task: 't',
        split: 'test',
        path: join(root, 'rows.jsonl'),
        imageFolder: root,
        fields: { prompt: ['says'] },
      },
    ],
    ...(stopSequences && { stopSequences }),
    ...(evaluation && { evaluation }),
    arms: { theirs: { objective: 'none', mode, policy: { endpoint: server.address, model: 'big', ...policy } } },
  };
}

function depsOf() {
  const store = new ArtifactStore(new FolderObjectStore(join(root, 'store')));
  return { store, codeVersion: () => 'code', log: pino({ enabled: false }), environment: { OPENAI_API_KEY: key } };
}

/** As in one attempt of the activity, which begins without memory. */
async function attempt(changes: Changes = {}, before = noUsage, signal = new AbortController().signal) {
  const deps = depsOf();
  const activities = createControlActivities(deps);
  const run = <I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> =>
    environment.run<[I], R, (input: I) => Promise<R>>(activity, input);
  const { recipe, runs } = await run(activities.prepare, { recipe: recipeWith(changes) });
  const { dataset } = await run(activities.ingest, { recipe });
  const plan = required(runs[0], 'the run');
  const endpoint = required(plan.endpoint, 'its endpoint');
  const input: EvaluateEndpointInput = {
    ...{ recipe, dataset, endpoint, before },
    ...{ arm: 'theirs', task: 't', split: 'test', mode: plan.mode },
  };
  const cache = new JsonCache(deps.store);
  // What reports read of any run.
  expect(await recordsOf(cache, { snapshot: endpoint, log: [] })).toEqual([]);
  return createEvaluateEndpoint(deps, cache)(input, callerWith({ cancellationSignal: signal }));
}

async function judgmentsOf({ judgments }: EvaluateEndpointResult) {
  return (await depsOf().store.getJson(judgments)) as EvaluationJudgments;
}

it('asks every example once, with its picture, and scores the answers', async () => {
  const made = await attempt();
  expect(server.problems).toEqual([]);
  expect(made.scores).toMatchObject({ exampleCount: rowCount, macroF1: 1, unparsableRate: 0 });
  expect(made.usage).toEqual({
    answerCount: rowCount,
    promptTokenCount: 100 * rowCount,
    completionTokenCount: 10 * rowCount,
  });
  expect(server.paid).toHaveLength(rowCount);
  expect(
    new Set(server.requests.map(({ temperature, seed, max_tokens: limit }) => [temperature, seed, limit].join())),
  ).toEqual(new Set(['0,0,40']));
  const { scores } = await keptEvaluation(depsOf().store, made);
  expect(scores.usage).toEqual(made.usage);
  expect(await attempt()).toMatchObject({ cached: true, usage: made.usage });
  expect(server.paid).toHaveLength(rowCount);
});

it('pays for no answer twice when an attempt fails in the middle, or another setting of the evaluation changes', async () => {
  const policy = { requestCountMax: 2 };
  server.reply = (body) => (idIn(body) === 5 ? { status: 403, body: { error: 'suspended' } } : truthful(body));
  await expect(attempt({ policy })).rejects.toMatchObject({ code: 'ENDPOINT_REFUSED' });
  const paidCount = server.paid.length;
  expect(paidCount).toBeGreaterThan(3);
  expect(paidCount).toBeLessThan(rowCount);
  server.reply = truthful;
  expect(await attempt({ policy })).toMatchObject({ usage: { answerCount: rowCount } });
  expect(server.paid).toHaveLength(rowCount);
  expect(await attempt({ policy, evaluation: { bootstrapResampleCount: 10 } })).toMatchObject({ cached: false });
  expect(server.paid).toHaveLength(rowCount);
  expect(new Set(server.paid).size).toBe(rowCount);
});

it('keeps the answers to requests in flight when it is cancelled or fails', async () => {
  const stop = new AbortController();
  server.reply = (body) => {
    if (server.requests.length === 3) stop.abort(new Error('the worker drains'));
    return truthful(body);
  };
  const policy = { requestCountMax: 3 };
  await expect(attempt({ policy }, noUsage, stop.signal)).rejects.toThrow('the worker drains');
  const paidCount = server.paid.length;
  expect(paidCount).toBeGreaterThanOrEqual(3);
  expect(paidCount).toBeLessThan(rowCount);
  server.reply = truthful;
  await attempt({ policy });
  expect(server.paid).toHaveLength(rowCount);
  expect(server.openCountMax).toBeLessThanOrEqual(3);
});

it('ends at the ceiling of its cost, says what was spent, and goes on from there when it is raised', async () => {
  const cost = { promptPrice: 2, completionPrice: 10 };
  const perAnswer = (100 * 2 + 10 * 10) / 1e6;
  const policy = (answerCount: number) => ({ requestCountMax: 1, cost: { ...cost, costMax: perAnswer * answerCount } });
  const error: unknown = await attempt({ policy: policy(3) }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: 'ENDPOINT_COST_CEILING',
    retryable: false,
    details: {
      where: 'arms.theirs.policy.cost.costMax',
      found: '0.0009 spent on 3 answers (300 tokens of prompts, 30 of answers), allowed 0.0009',
    },
  });
  expect(server.paid).toHaveLength(3);
  // Two answers of another task count as well.
  const before = { answerCount: 2, promptTokenCount: 200, completionTokenCount: 20 };
  await expect(attempt({ policy: policy(6) }, before)).rejects.toMatchObject({ code: 'ENDPOINT_COST_CEILING' });
  expect(server.paid).toHaveLength(4);
  await attempt({ policy: policy(100) });
  expect(server.paid).toHaveLength(rowCount);
  server.reply = () => ({ text: '<answer> no </answer>', uncounted: true });
  await expect(attempt({ policy: { ...policy(100), model: 'other' } })).rejects.toMatchObject({
    code: 'ENDPOINT_ANSWER_INVALID',
    message: 'the endpoint does not say how many tokens an answer took',
  });
});

it('counts cut off, refused and too long rows by their reasons, and none of them ends the run', async () => {
  server.reply = (body) => {
    const id = idIn(body);
    if (id === 1) return { text: '<answer> no </answer>', finishReason: 'length' };
    if (id === 2) return { text: null, finishReason: 'content_filter' };
    if (id === 3) return { status: 400, body: { error: { message: 'prompt is too long: 9 tokens > 8' } } };
    return truthful(body);
  };
  const made = await attempt({ evaluation: { modes: ['strict', 'first-label'] } });
  const reasons = { truncated: 1 / 8, refused: 1 / 8, 'prompt-too-long': 1 / 8 };
  const { scores } = await keptEvaluation(depsOf().store, made);
  expect(scores.unparsableByReason).toEqual(reasons);
  expect(scores.truncatedRate).toBe(1 / 8);
  expect(scores.variants?.[0]?.scores?.unparsableRate).toBe(2 / 8);
});

it('says which scores an endpoint cannot give, and gives the others', async () => {
  const modes = ['strict', 'forced-choice', 'think-prompt'] as const;
  const made = await attempt({
    evaluation: {
      modes: [...modes],
      probes: ['blank-image', 'missing-image'],
      sampleCount: 3,
      sampleTemperature: 0.7,
      sampleTopP: 0.9,
    },
  });
  expect(server.problems).toEqual([]);
  const { scores } = await keptEvaluation(depsOf().store, made);
  expect(scores.variants?.map(({ name, refused }) => [name, refused])).toEqual([
    ['forced-choice', 'an endpoint gives no probabilities of given labels'],
    ['think-prompt', undefined],
    ['blank-image', undefined],
    ['missing-image', undefined],
  ]);
  expect(scores.samples).toMatchObject({ sampleCount: 3, passAt1: 1, agreement: 1 });
  expect(scores.samples).not.toHaveProperty('likeliestOfK');
  expect((await judgmentsOf(made)).judgments.every((one) => !('probabilities' in one))).toBe(true);
  const sampled = server.requests.filter(({ temperature }) => temperature === 0.7);
  expect(sampled.map(({ seed }) => seed).sort()).toEqual(
    [0, 1, 2].flatMap((seed) => Array.from({ length: rowCount }, () => seed)),
  );
  expect(sampled[0]?.top_p).toBe(0.9);
});

it("ends answers at the recipe's stop sequences, which servers would leave out", async () => {
  server.reply = (body) => `${truthful(body) as string} because it says so`;
  expect((await attempt()).scores.unparsableRate).toBe(1);
  const made = await attempt({ stopSequences: ['</answer>'] });
  expect(made.scores).toMatchObject({ macroF1: 1, unparsableRate: 0 });
  expect(server.paid).toHaveLength(rowCount);
});

it('writes the key nowhere', async () => {
  server.reply = () => `the key is ${key}`;
  const made = await attempt();
  expect((await judgmentsOf(made)).judgments[0]?.text).toBe('the key is (key)');
  const { store } = depsOf();
  const held: string[] = [];
  let objectCount = 0;
  for await (const { key: place } of store.objects.list('')) {
    objectCount++;
    if (Buffer.from((await store.objects.get(place)) ?? '').includes(key)) held.push(place);
  }
  expect(held).toEqual([]);
  expect(objectCount).toBeGreaterThan(rowCount);
});
