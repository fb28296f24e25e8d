/** Completions in the form of the OpenAI API, whole or as the chunks of a stream. */
import type { ChatChoice, Completed } from './complete.ts';

export interface ChatHead {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  /** Digest of the policy. */
  readonly system_fingerprint: string;
}

export function chatCompletion(head: ChatHead, completed: Completed) {
  return {
    ...head,
    object: 'chat.completion',
    choices: completed.choices.map((choice, index) => ({
      index,
      message: { role: 'assistant', content: choice.text, refusal: null },
      logprobs: logProbsOf(choice),
      finish_reason: choice.finishReason,
    })),
    usage: usageOf(completed),
  };
}

/**
 * The engine decodes an answer in one call, so a stream has nothing to send before it ends: it then sends the text in
 * words, as clients of streams expect.
 */
export function* chatChunks(head: ChatHead, completed: Completed, includeUsage: boolean) {
  const chunk = (choices: readonly object[], usage?: object) => ({
    ...{ ...head, object: 'chat.completion.chunk', choices },
    ...(includeUsage && { usage: usage ?? null }),
  });
  const delta = (index: number, content: object, logprobs: object | null = null, finish_reason: string | null = null) =>
    chunk([{ index, delta: content, logprobs, finish_reason }]);
  for (const [index, choice] of completed.choices.entries()) {
    yield delta(index, { role: 'assistant', content: '' }, logProbsOf(choice));
    for (const content of choice.text.match(/\s*\S+|\s+$/g) ?? []) yield delta(index, { content });
    yield delta(index, {}, null, choice.finishReason);
  }
  if (includeUsage) yield chunk([], usageOf(completed));
}

function logProbsOf({ tokens }: ChatChoice) {
  if (tokens === undefined) return null;
  const content = tokens.map(({ text, logProb }) => ({
    ...{ token: text, logprob: logProb, bytes: [...Buffer.from(text)], top_logprobs: [] },
  }));
  return { content, refusal: null };
}

function usageOf({ promptTokenCount, completionTokenCount }: Completed) {
  return {
    prompt_tokens: promptTokenCount,
    completion_tokens: completionTokenCount,
    total_tokens: promptTokenCount + completionTokenCount,
  };
}
