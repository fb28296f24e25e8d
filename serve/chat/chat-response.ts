/** Completions in the form of the OpenAI API. */
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
      logprobs: logProbsOf(choice.tokens),
      finish_reason: choice.finishReason,
    })),
    usage: usageOf(completed),
  };
}

export function logProbsOf(tokens: ChatChoice['tokens']) {
  if (tokens === undefined) return null;
  const content = tokens.map(({ text, logProb }) => ({
    ...{ token: text, logprob: logProb, bytes: [...Buffer.from(text)], top_logprobs: [] },
  }));
  return { content, refusal: null };
}

export function usageOf({ promptTokenCount, completionTokenCount }: Completed) {
  return {
    prompt_tokens: promptTokenCount,
    completion_tokens: completionTokenCount,
    total_tokens: promptTokenCount + completionTokenCount,
  };
}
