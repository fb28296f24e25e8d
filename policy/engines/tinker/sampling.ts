/** Rollouts from a sampler of the server: one request a prompt, a limited number of them at a time. */
import pMap from 'p-map';
import { MtrlError } from '../../../core/errors.ts';
import { Rng } from '../../../core/rng.ts';
import type { Prompt, PromptDraw, SampledCompletion, SampleRequest, SampleResult } from '../../engine.ts';
import type { TinkerClient } from './client.ts';
import { inputOf } from './datums.ts';
import { invalidAnswer } from './failures.ts';
import type { SampledSequences, SamplingParams } from './wire.ts';

/** Attempts for a rollout without banned tokens, which the wire cannot forbid. */
const attemptCountMax = 16;
/** A server draws the k-th sample of a request with seed + k. */
const seedMax = 2 ** 31 - 2 ** 16;

interface SamplingPlace {
  readonly client: TinkerClient;
  readonly sampler: string;
  /** Tokens at or beyond this id are those of another vocabulary. */
  readonly vocabularySize: number;
  readonly signal: AbortSignal | undefined;
}

/** Throws EXAMPLE_TOO_LONG, RECIPE_INVALID, ENGINE_ANSWER_INVALID, NON_FINITE, and like requests. */
export async function sampleGroups(request: SampleRequest, place: SamplingPlace): Promise<SampleResult> {
  const { prompts, promptOffset, draws, seed, promptTokenCountMax } = request;
  const longest = Math.max(0, ...prompts.map(({ tokenIds }) => tokenIds.length));
  if (longest > promptTokenCountMax) {
    throw new MtrlError('EXAMPLE_TOO_LONG', `a prompt of ${longest} tokens does not fit in ${promptTokenCountMax}`);
  }
  const groups = await pMap(
    prompts,
    (prompt, i) => sampleGroup(request, place, prompt, draws?.[i] ?? { seed, prompt: promptOffset + i }),
    {
      concurrency: place.client.settings.samplingCountMax,
    },
  );
  return { groups };
}

async function sampleGroup(
  request: SampleRequest,
  place: SamplingPlace,
  prompt: Prompt,
  { seed, prompt: index }: PromptDraw,
): Promise<SampledCompletion[]> {
  const { groupSize, step } = request;
  const input = await inputOf(prompt);
  const ask = async (sampleCount: number, ...path: readonly number[]): Promise<SampledCompletion[]> => {
    const drawn = new Rng('tinker-sample', seed, step, index, ...path).integer(0, seedMax);
    const answer = await place.client.sample(
      place.sampler,
      { prompt: input, num_samples: sampleCount, sampling_params: paramsOf(request, drawn, path.length > 0) },
      place.signal,
    );
    return completionsOf(answer, sampleCount, request, place);
  };
  const banned = new Set(request.tokens.bannedTokenIds);
  const isAllowed = ({ tokenIds }: SampledCompletion): boolean => !tokenIds.some((id) => banned.has(id));
  const first = await ask(groupSize);
  return Promise.all(
    first.map(async (completion, k) => {
      let current = completion;
      for (let attempt = 1; !isAllowed(current); attempt++) {
        if (attempt === attemptCountMax) {
          throw invalidAnswer('asample', `${String(attempt)} rollouts of a prompt with tokens that are never sampled`);
        }
        const [again] = await ask(1, k, attempt);
        current = again ?? current;
      }
      return current;
    }),
  );
}

/** @param isAgain after a rollout with banned tokens, which a greedy one would repeat */
function paramsOf({ sampling, tokens }: SampleRequest, seed: number, isAgain: boolean): SamplingParams {
  const greedyTemperature = isAgain ? 1 : 0;
  return {
    max_tokens: sampling.tokenCountMax,
    seed,
    stop: [tokens.stopTokenId, ...(tokens.otherStopTokenIds ?? [])],
    temperature: sampling.greedy ? greedyTemperature : sampling.temperature,
    top_k: sampling.topK ?? -1,
    top_p: sampling.topP ?? 1,
  };
}

function completionsOf(
  { sequences }: SampledSequences,
  sampleCount: number,
  { sampling, tokens }: SampleRequest,
  { vocabularySize }: SamplingPlace,
): SampledCompletion[] {
  if (sequences.length !== sampleCount) {
    throw invalidAnswer('asample', `${String(sequences.length)} samples of ${String(sampleCount)}`);
  }
  const stopIds = new Set([tokens.stopTokenId, ...(tokens.otherStopTokenIds ?? [])]);
  return sequences.map(({ tokens: tokenIds, logprobs, stop_reason: reason }) => {
    const strange = tokenIds.find((id) => id >= vocabularySize);
    if (strange !== undefined) {
      const found = `token ${String(strange)}; the checkpoint has ${String(vocabularySize)}`;
      throw invalidAnswer('asample', `${found}: policy.checkpoint must have the vocabulary of the base model`);
    }
    if (tokenIds.length === 0 || tokenIds.length > sampling.tokenCountMax || logprobs?.length !== tokenIds.length) {
      throw invalidAnswer('asample', `${String(tokenIds.length)} tokens, ${String(logprobs?.length ?? 0)} log-probs`);
    }
    const end = endOf(tokenIds, stopIds, sampling.stopSequences ?? []);
    if (end === undefined && reason === 'stop') throw invalidAnswer('asample', 'a stop without a stop token');
    const length = end ?? tokenIds.length;
    return {
      tokenIds: tokenIds.slice(0, length),
      logProbs: logprobs.slice(0, length).map((value) => finite(value)),
      finishReason: end === undefined ? 'length' : 'stop',
    };
  });
}

/** Length up to the first stop token or stop sequence, inclusive; undefined if there is none. */
function endOf(
  tokenIds: readonly number[],
  stopIds: ReadonlySet<number>,
  sequences: readonly (readonly number[])[],
): number | undefined {
  for (let length = 1; length <= tokenIds.length; length++) {
    if (stopIds.has(tokenIds[length - 1] ?? -1)) return length;
    const ends = (sequence: readonly number[]): boolean =>
      sequence.length <= length && sequence.every((id, i) => tokenIds[length - sequence.length + i] === id);
    if (sequences.some(ends)) return length;
  }
  return undefined;
}

/** Throws NON_FINITE: JSON has null for a number that is not finite. */
export function finite(value: number | null | undefined): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new MtrlError('NON_FINITE', 'the engine server computed a log-prob that is not finite', {
    where: 'engine.tinker',
    found: String(value),
    hint: 'lower optimizer.learningRate, and inspect the rollouts of earlier steps',
  });
}
