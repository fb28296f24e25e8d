/** Sampling options and label log-probs through the engine's calls. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import type { EncodedPrompt, SampledCompletion, Sampling, SampleRequest } from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { rolloutOptions } from '../../policy/engines/embedded/packing/sample-batch.ts';
import { readConfig } from '../../policy/engines/embedded/weights.ts';
import { cases, folderOf, promptsOf } from '../support/idefics3-fixture.ts';

const tokens = {
  stopTokenId: cases.eosTokenId,
  padTokenId: cases.padTokenId,
  bannedTokenIds: [cases.padTokenId, ...cases.suppressedTokenIds],
};
const prompts = promptsOf(required(cases.cases['batch-left-padded'], 'case'));
const sampling: Sampling = { temperature: 2, greedy: false, tokenCountMax: 12 };
const request: SampleRequest = {
  ...{ prompts, groupSize: 16, sampling, tokens, seed: 5, step: 3, promptOffset: 0, promptTokenCountMax: 48 },
};

const engine = new EmbeddedEngine({ threadCount: 1 });
beforeAll(() => engine.loadCheckpoint(folderOf('untied-gqa')));
afterAll(() => engine.close());

const sample = async (options: Partial<Sampling>, other: Partial<SampleRequest> = {}): Promise<SampledCompletion[]> =>
  (await engine.sample({ ...request, ...other, sampling: { ...sampling, ...options } })).groups.flat();

/** The trainer's log-probs of the prompts' completions, over the tokens that they kept if they name them. */
async function trained(completions: readonly SampledCompletion[], temperature: number): Promise<readonly number[][][]> {
  const groups = prompts.map((prompt, i) => ({
    prompt,
    completions: completions
      .slice(i * request.groupSize, (i + 1) * request.groupSize)
      .map(({ tokenIds, keptTokenIds }) => ({ tokenIds, tokenWeight: 0, ...(keptTokenIds && { keptTokenIds }) })),
  }));
  return engine.forward({ groups, temperature, tokens, weights: 'current' });
}

describe('top-k and top-p', () => {
  test.each([{ topK: 3 }, { topP: 0.4 }, { topK: 20, topP: 0.7 }])(
    "log-probs of tokens sampled with %j match the trainer's, over all tokens",
    async (options) => {
      const completions = await sample(options);
      const wanted = (await trained(completions, sampling.temperature)).flat();
      const differences = completions.flatMap(({ logProbs }, i) =>
        logProbs.map((value, t) => Math.abs(value - (wanted[i]?.[t] ?? NaN))),
      );
      expect(differences.length).toBeGreaterThan(50);
      expect(Math.max(...differences)).toBeLessThan(1e-5);
    },
  );

  test.each([{ topK: 3 }, { topK: 20, topP: 0.7 }, { topK: 1000, topP: 0.4 }])(
    "over the kept tokens, log-probs with %j are the trainer's, and those of the distribution sampled from",
    async (options) => {
      const completions = await sample({ ...options, overKept: true });
      const wanted = (await trained(completions, sampling.temperature)).flat();
      const differences = completions.flatMap(({ logProbs }, i) =>
        logProbs.map((value, t) => Math.abs(value - (wanted[i]?.[t] ?? NaN))),
      );
      expect(differences.length).toBeGreaterThan(50);
      expect(Math.max(...differences)).toBeLessThan(1e-5);
      for (const { tokenIds, keptTokenIds = [], logProbs } of completions) {
        expect(keptTokenIds).toHaveLength(tokenIds.length);
        keptTokenIds.forEach((kept, t) => {
          expect(kept).toContain(tokenIds[t]);
          expect(kept.length).toBeLessThanOrEqual(options.topK);
          if (kept.length === 1) expect(logProbs[t]).toBeCloseTo(0, 6);
        });
      }
      // The first token: its probability and those of the others that were kept add up to 1.
      const [first] = completions;
      const [kept = []] = first?.keptTokenIds ?? [];
      const alternatives = kept.map((id) => ({ tokenIds: [id], tokenWeight: 0, keptTokenIds: [kept] }));
      const groups = [{ prompt: required(prompts[0], 'a prompt'), completions: alternatives }];
      const each = await engine.forward({ groups, temperature: sampling.temperature, tokens, weights: 'current' });
      expect(each.flat(2).reduce((sum, logProb) => sum + Math.exp(logProb), 0)).toBeCloseTo(1, 5);
    },
  );

  test('log-probs over the kept tokens change a step by what the ratio measures', async () => {
    const completions = await sample({ topK: 5, overKept: true });
    const groups = prompts.map((prompt, i) => ({
      prompt,
      completions: completions
        .slice(i * request.groupSize, (i + 1) * request.groupSize)
        .map((completion, k) => ({ ...completion, tokenWeight: 0.01, advantage: k % 2 === 0 ? 1 : -1 })),
    }));
    const loss = { name: 'ppo', clipLow: 0.2, clipHigh: 0.2, klCoefficient: 0 } as const;
    const trained = await engine.forwardBackward({ groups, loss, temperature: sampling.temperature, tokens });
    // Ratios are 1: the loss is the sum of the weighted advantages.
    const sum = groups.flatMap((group) => group.completions);
    const expected = sum.reduce((total, { tokenIds, advantage }) => total - 0.01 * advantage * tokenIds.length, 0);
    expect(trained.loss).toBeCloseTo(expected, 4);
  });

  test('keeping one token equals greedy decoding', async () => {
    const greedy = await sample({ greedy: true });
    const single = await sample({ topK: 1 });
    expect(single.map(({ tokenIds }) => tokenIds)).toEqual(greedy.map(({ tokenIds }) => tokenIds));
  });

  test('keeping all tokens equals no option, with the same graph', async () => {
    const { architecture } = await readConfig(folderOf('untied-gqa'));
    const { vocabularySize } = architecture.text;
    const off = { ...request, sampling: { ...sampling, topK: vocabularySize, topP: 1, stopSequences: [] } };
    expect(rolloutOptions(architecture, off)).toEqual({ withImages: true });
    expect((await engine.sample(off)).groups.flat()).toEqual(await sample({}));
  });

  test('a shard samples the same as the whole batch', async () => {
    const options = { topK: 9, topP: 0.8, stopSequences: [[7, 11]] };
    const whole = await sample(options);
    const parts = await Promise.all(
      prompts.map((prompt, promptOffset) => sample(options, { prompts: [prompt], promptOffset })),
    );
    expect(parts.flat()).toEqual(whole);
  });

  test.each([
    { overKept: true, topP: 0.5 },
    { topP: 0 },
    { topP: 1.5 },
    { topK: 0 },
    { topK: 2.5 },
    { stopSequences: [[]] },
  ])('%j is refused', async (options) => {
    await expect(sample(options)).rejects.toMatchObject({ code: 'INVARIANT' });
  });
});

describe('stop sequences', () => {
  test('a completion is the same as without sequences, up to the end of the first one', async () => {
    const free = await sample({ tokenCountMax: 24 });
    // Sequences that occur: one token, two in a row, three in a row; and one that never occurs.
    const drawn = free.map(({ tokenIds }) => tokenIds).filter(({ length }) => length > 8);
    const [a, b, c] = [required(drawn[0], 'a long row'), required(drawn[1], 'another'), required(drawn[2], 'a third')];
    const stopSequences = [a.slice(4, 5), b.slice(2, 4), c.slice(1, 4), [999, 999]];
    const stopped = await sample({ tokenCountMax: 24, stopSequences });
    expect(stopped.map(({ tokenIds }) => tokenIds)).toEqual(
      free.map(({ tokenIds }) => cutBehindFirst(tokenIds, stopSequences)),
    );
    const ended = stopped.filter(({ tokenIds, finishReason }) => finishReason === 'stop' && tokenIds.at(-1) !== 2);
    expect(ended.length).toBeGreaterThan(2);
    stopped.forEach(({ tokenIds, logProbs, finishReason }, i) => {
      expect(logProbs).toEqual(required(free[i], 'free').logProbs.slice(0, tokenIds.length));
      expect(finishReason).toBe(
        tokenIds.at(-1) === cases.eosTokenId || endsIn(tokenIds, stopSequences) ? 'stop' : 'length',
      );
    });
  });

  test('a batch whose rows have all ended stops computing', async () => {
    // Every token is a sequence: one step is enough.
    const stopSequences = Array.from({ length: 64 }, (_, id) => [id]);
    expect((await sample({ stopSequences })).map(({ tokenIds }) => tokenIds.length)).toEqual(
      Array.from({ length: prompts.length * request.groupSize }, () => 1),
    );
  });
});

describe('label log-probs', () => {
  const [prompt] = prompts as [EncodedPrompt];
  const stop = cases.eosTokenId;
  const logProbsOf = async (tokenIds: readonly number[]): Promise<readonly number[]> => {
    const groups = [{ prompt, completions: [{ tokenIds, tokenWeight: 0 }] }];
    return required((await engine.forward({ groups, temperature: 1, tokens, weights: 'current' }))[0]?.[0], 'row');
  };
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const labels = (completions: readonly (readonly number[])[]): Promise<readonly (readonly number[])[]> =>
    engine.labelLogProbs({ prompts: [{ prompt, completions }], temperature: 1, tokens });

  test('include all tokens of a label, and none of a common prefix', async () => {
    const rationale = [20, 21, 22];
    const completions = [
      [...rationale, 30, 31, 40, stop],
      [...rationale, 30, 33, 34, 40, stop],
      [...rationale, 35, 40, stop],
    ];
    const [found = []] = await labels(completions);
    for (const [i, completion] of completions.entries()) {
      const each = await logProbsOf(completion);
      // After the rationale, and without the stop token.
      expect(Math.abs((found[i] ?? NaN) - sum(each.slice(3, -1)))).toBeLessThan(1e-5);
    }
  });

  test('include the stop token if one label is a prefix of another', async () => {
    const completions = [
      [30, stop],
      [30, 31, stop],
      [32, stop],
    ];
    const [found = []] = await labels(completions);
    for (const [i, completion] of completions.entries()) {
      const each = await logProbsOf(completion);
      expect(Math.abs((found[i] ?? NaN) - sum(each))).toBeLessThan(1e-5);
    }
    // Otherwise the longer label could never be the likelier one.
    expect(sum(found.map(Math.exp))).toBeLessThan(1);
  });

  test('are 0 for a single label', async () => {
    expect(await labels([[30, 31, stop]])).toEqual([[0]]);
  });
});

function endsIn(tokenIds: readonly number[], sequences: readonly (readonly number[])[]): boolean {
  return sequences.some((ids) => ids.join() === tokenIds.slice(-ids.length).join());
}

function cutBehindFirst(tokenIds: readonly number[], sequences: readonly (readonly number[])[]): readonly number[] {
  const end = tokenIds.findIndex((_, index) => endsIn(tokenIds.slice(0, index + 1), sequences));
  return end === -1 ? tokenIds : tokenIds.slice(0, end + 1);
}
