/** Requests that wait are asked together, and none depends on who sits beside it. The engine here is made up. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { MtrlError } from '../../core/errors.ts';
import type { Answering } from '../../pipeline/asking/kept-answers.ts';
import type { SampleRequest, Sampling } from '../../policy/engine.ts';
import { JoinedCalls } from '../../serve/batching/joined-calls.ts';

const policy = { snapshot: { uri: 'file:///snapshot', sha256: 'a', byteLength: 1 }, log: [] };
const other = { snapshot: { ...policy.snapshot, sha256: 'b' }, log: [] };
const greedy: Sampling = { temperature: 1, greedy: true, tokenCountMax: 4 };
const never = new AbortController().signal;

function asked(tokenId: number, changes: Partial<SampleRequest> = {}): SampleRequest {
  return {
    ...{ prompts: [{ tokenIds: [tokenId, 1], images: [] }], groupSize: 1, sampling: greedy, seed: 0, step: 0 },
    ...{ promptOffset: 0, promptTokenCountMax: 2, tokens: { stopTokenId: 0, padTokenId: 0, bannedTokenIds: [] } },
    ...changes,
  };
}

/** Answers a prompt with its first token. `calls` lists those of each call. */
function engineThat(fail: (tokenIds: readonly number[], callCount: number) => Error | undefined = () => undefined) {
  const calls: number[][] = [];
  const requests: SampleRequest[] = [];
  const engine: Answering = {
    sample: async (request) => {
      requests.push(request);
      const tokenIds = request.prompts.flatMap(({ tokenIds: [first] }) => first ?? []);
      calls.push(tokenIds);
      await sleep(5);
      const error = fail(tokenIds, calls.length);
      if (error !== undefined) throw error;
      return { groups: tokenIds.map((id) => [{ tokenIds: [id], logProbs: [0], finishReason: 'stop' }]) };
    },
    // Answers a prompt with its place in the call.
    labelLogProbs: async ({ prompts, promptCounts = [prompts.length] }) => {
      calls.push([...promptCounts]);
      await sleep(5);
      return prompts.map((_, place) => [place]);
    },
  };
  const joined = new JoinedCalls({ callCountMax: 1, rowCountMax: 8, withEngine: (_, work) => work(engine) });
  const answerTo = async (request: SampleRequest, signal = never, of = policy) => {
    const { groups } = await joined.of(of, signal).sample(request);
    return groups.flat().flatMap(({ tokenIds }) => tokenIds);
  };
  return { calls, requests, joined, answerTo };
}

it('asks those that wait together, up to the rows of a call, and gives each its own answer', async () => {
  const { calls, answerTo } = engineThat();
  const first = answerTo(asked(1));
  await sleep(1);
  const answers = await Promise.all([first, ...[2, 3, 4, 5, 6, 7, 8, 9, 10].map((id) => answerTo(asked(id)))]);
  expect(answers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((id) => [id]));
  expect(calls).toEqual([[1], [2, 3, 4, 5, 6, 7, 8, 9], [10]]);
});

it('joins only what could be one request: equal padding, pictures, settings and policy', async () => {
  const { calls, answerTo } = engineThat();
  const picture = { data: new Float32Array(3), height: 1, width: 1 };
  await Promise.all([
    answerTo(asked(1)),
    answerTo(asked(2, { promptTokenCountMax: 3 })),
    answerTo(asked(3, { sampling: { ...greedy, tokenCountMax: 5 } })),
    answerTo(asked(4, { prompts: [{ tokenIds: [4, 1], images: [picture] }] })),
    answerTo(asked(5), never, other),
    answerTo(asked(6, { sampling: { ...greedy, greedy: false } })),
    answerTo(asked(7, { promptOffset: 3 })),
    answerTo(asked(8, { groupSize: 2 })),
  ]);
  expect(calls).toEqual([[1, 7], [2], [3], [4], [5], [6], [8]]);
});

it('joins samples of different seeds, and tells the engine whose is which', async () => {
  const { requests, answerTo } = engineThat();
  const drawn = { sampling: { ...greedy, greedy: false } };
  await Promise.all([
    answerTo(asked(1, { ...drawn, seed: 5 })),
    answerTo(asked(2, { ...drawn, seed: 6, promptOffset: 4 })),
  ]);
  const draws = [
    { seed: 5, prompt: 0 },
    { seed: 6, prompt: 4 },
  ];
  expect(requests).toMatchObject([{ draws }]);
});

it('joins requests for probabilities of labels, each packed by itself', async () => {
  const { calls, joined } = engineThat();
  const prompt = { prompt: { tokenIds: [1], images: [] }, completions: [[1]] };
  const engine = joined.of(policy, never);
  const ask = (count: number, temperature = 1) =>
    engine.labelLogProbs({
      prompts: Array.from({ length: count }, () => prompt),
      temperature,
      tokens: asked(1).tokens,
    });
  expect(await Promise.all([ask(1), ask(2), ask(1, 2)])).toEqual([[[0]], [[1], [2]], [[0]]]);
  expect(calls).toEqual([[1, 2], [1]]);
});

it('a request that fails does not fail those that were asked with it', async () => {
  const { calls, answerTo } = engineThat((ids) => (ids.includes(2) ? new Error('unreadable picture') : undefined));
  const answers = await Promise.allSettled([1, 2, 3].map((id) => answerTo(asked(id))));
  expect(answers).toMatchObject([{ value: [1] }, { reason: { message: 'unreadable picture' } }, { value: [3] }]);
  expect(calls).toEqual([[1, 2, 3], [1], [2], [3]]);
});

it('asks again when the engine was lost, a bounded number of times', async () => {
  const lost = new MtrlError('COMPUTE_CRASHED', 'the compute process ended');
  const once = engineThat((_, callCount) => (callCount === 1 ? lost : undefined));
  expect(await Promise.all([1, 2].map((id) => once.answerTo(asked(id))))).toEqual([[1], [2]]);
  expect(once.calls).toEqual([[1, 2], [1], [2]]);
  const always = engineThat(() => lost);
  await expect(always.answerTo(asked(1))).rejects.toBe(lost);
  expect(always.calls).toEqual([[1], [1], [1]]);
});

it('a client that goes away leaves the queue, and no other waits for it', async () => {
  const { calls, joined, answerTo } = engineThat();
  const gone = new AbortController();
  const reason = new Error('the client went away');
  const first = answerTo(asked(1));
  await sleep(1);
  const second = answerTo(asked(2), gone.signal);
  const third = answerTo(asked(3));
  expect(joined.waitingCount).toBe(2);
  gone.abort(reason);
  await expect(second).rejects.toBe(reason);
  expect(await Promise.all([first, third])).toEqual([[1], [3]]);
  expect(calls).toEqual([[1], [3]]);
  await expect(answerTo(asked(4), gone.signal)).rejects.toBe(reason);
});
