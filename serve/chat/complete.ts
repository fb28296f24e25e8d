/**
 * Answers a chat request by engine requests whose samples are the choices. The engine gives whole answers of at most so
 * many tokens. A stream therefore asks for few tokens first and then for more, until all choices have ended: a token
 * depends on the seed and on its place and not on the limit, so that each answer begins with the one before it.
 */
import { setImmediate } from 'node:timers/promises';
import { required } from '../../core/assert.ts';
import { tokensOf } from '../../pipeline/asking/prompts/prompt-encoder.ts';
import { memoryOf } from '../../pipeline/recipe-access.ts';
import type { SampledCompletion, Sampling } from '../../policy/engine.ts';
import { HttpError } from '../http/http-error.ts';
import type { PictureRules } from '../judging/taken-image.ts';
import type { ServedPolicy } from '../policies/served-policy.ts';
import { chatPrompt } from './chat-prompt.ts';
import type { ChatRequest } from './chat-request.ts';

export interface ChatToken {
  readonly text: string;
  /** Natural logarithm. */
  readonly logProb: number;
}

export interface ChatChoice {
  readonly text: string;
  readonly finishReason: 'stop' | 'length';
  /** With `logprobs`. */
  readonly tokens?: readonly ChatToken[];
}

export interface Completed {
  readonly choices: readonly ChatChoice[];
  readonly promptTokenCount: number;
  /** Of all choices. */
  readonly completionTokenCount: number;
  /** false: of a stream, whose choices go on. */
  readonly isWhole: boolean;
}

export interface ChatSurroundings {
  readonly rules: PictureRules & { readonly imageCountMax: number };
  readonly signal: AbortSignal;
  readonly seed: number;
}

/** Tokens that a stream asks for first, and how much more it asks for each time; all tokens are computed again. */
const streamed = { firstTokenCount: 32, growth: 4 } as const;

/** The choices as far as they go; the last ones are whole. Throws HttpError, MtrlError, UnusableRow, the signal's reason. */
export async function* completing(
  served: ServedPolicy,
  request: ChatRequest,
  { rules, signal, seed }: ChatSurroundings,
): AsyncGenerator<Completed, void> {
  const { loaded, recipe } = served;
  const { processor } = loaded;
  const prompt = await chatPrompt(served, request.messages, rules);
  const tokenCountMax = request.max_completion_tokens ?? request.max_tokens ?? recipe.evaluation.tokenCountMax;
  const promptTokenCount = prompt.tokenIds.length;
  requireContext(promptTokenCount, tokenCountMax, processor.positionCountMax);
  let tokenCount = request.stream === true ? Math.min(streamed.firstTokenCount, tokenCountMax) : tokenCountMax;
  for (;;) {
    const { groups } = await served.engine(signal).sample({
      prompts: [prompt],
      groupSize: request.n ?? 1,
      sampling: samplingOf(request, tokenCount),
      tokens: tokensOf(processor),
      ...{ seed, step: 0, promptOffset: 0, promptTokenCountMax: promptTokenCount },
      imagePixelCountMax: Math.max(0, ...prompt.images.map(({ height, width }) => height * width)),
      ...memoryOf(recipe),
    });
    const completions = required(groups[0], 'answers to the prompt');
    const choices: ChatChoice[] = [];
    for (const completion of completions) choices.push(await choiceOf(served, completion, request));
    const completionTokenCount = completions.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
    const isWhole = tokenCount === tokenCountMax || choices.every(({ finishReason }) => finishReason === 'stop');
    yield { choices, promptTokenCount, completionTokenCount, isWhole };
    if (isWhole) return;
    tokenCount = Math.min(streamed.growth * tokenCount, tokenCountMax);
  }
}

function samplingOf({ temperature, top_p }: ChatRequest, tokenCountMax: number): Sampling {
  if (temperature === 0) return { temperature: 1, greedy: true, tokenCountMax };
  return { temperature: temperature ?? 1, greedy: false, tokenCountMax, ...(top_p && top_p < 1 && { topP: top_p }) };
}

function requireContext(promptTokenCount: number, tokenCountMax: number, positionCountMax: number): void {
  if (promptTokenCount + tokenCountMax <= positionCountMax) return;
  throw new HttpError(
    400,
    `messages of ${promptTokenCount} tokens and an answer of up to ${tokenCountMax} exceed the model's ${positionCountMax} positions`,
    { param: 'messages', code: 'context_length_exceeded' },
  );
}

async function choiceOf(
  { loaded: { processor } }: ServedPolicy,
  { tokenIds, logProbs, finishReason }: SampledCompletion,
  { stop, logprobs }: ChatRequest,
): Promise<ChatChoice> {
  const whole = processor.decodeCompletion(tokenIds);
  const ends = [stop ?? []].flat().flatMap((one) => (whole.includes(one) ? [whole.indexOf(one)] : []));
  const text = ends.length === 0 ? whole : whole.slice(0, Math.min(...ends));
  const choice: ChatChoice = { text, finishReason: ends.length === 0 ? finishReason : 'stop' };
  if (logprobs !== true) return choice;
  const tokens: ChatToken[] = [];
  let shown = '';
  for (const [i, logProb] of logProbs.entries()) {
    if (shown.length >= text.length) break;
    const decoded = processor.decodeCompletion(tokenIds.slice(0, i + 1));
    // A character may take several tokens; it belongs to the last of them.
    const soFar = (decoded.endsWith('\ufffd') ? shown : decoded).slice(0, text.length);
    tokens.push({ text: soFar.slice(shown.length), logProb });
    shown = soFar;
    if (i % yieldTokenCount === 0) await setImmediate();
  }
  return { ...choice, tokens };
}

/** Tokens between two turns of the event loop. */
const yieldTokenCount = 32;
