/** A completion as the chunks of a stream: what each engine call has added to each choice. */
import { assert, required } from '../../core/assert.ts';
import { type ChatHead, logProbsOf, usageOf } from './chat-response.ts';
import type { ChatRequest } from './chat-request.ts';
import type { ChatChoice, Completed } from './complete.ts';

interface Shown {
  readonly text: string;
  readonly tokenCount: number;
  readonly hasEnded: boolean;
}

export class ChatStream {
  readonly #head: ChatHead;
  readonly #includeUsage: boolean;
  /** Characters that may be the beginning of a stop sequence. */
  readonly #heldBackCount: number;
  readonly #shown: Shown[] = [];

  constructor(head: ChatHead, { stop, stream_options }: Pick<ChatRequest, 'stop' | 'stream_options'>) {
    this.#head = head;
    this.#includeUsage = stream_options?.include_usage === true;
    this.#heldBackCount = Math.max(0, ...[stop ?? []].flat().map((one) => one.length - 1));
  }

  /** The chunks that `completed` adds to those before it. */
  *next(completed: Completed): Generator<object> {
    for (const [index, choice] of completed.choices.entries()) yield* this.#added(index, choice, completed.isWhole);
    if (completed.isWhole && this.#includeUsage) yield this.#chunk([], usageOf(completed));
  }

  *#added(index: number, choice: ChatChoice, isWhole: boolean): Generator<object> {
    const before = this.#shown[index];
    if (before === undefined) yield this.#delta(index, { role: 'assistant', content: '' });
    const { text: said, tokenCount, hasEnded } = before ?? { text: '', tokenCount: 0, hasEnded: false };
    if (hasEnded) return;
    const ends = isWhole || choice.finishReason === 'stop';
    const text = ends ? choice.text : this.#certain(choice.text);
    assert(text.startsWith(said), 'a longer answer that begins with the shorter one');
    const tokens = tokensWithin(choice, text.length).slice(tokenCount);
    if (text !== said || tokens.length > 0)
      yield this.#delta(index, { content: text.slice(said.length) }, logProbsOf(choice.tokens && tokens));
    if (ends) yield this.#delta(index, {}, null, choice.finishReason);
    this.#shown[index] = { text, tokenCount: tokenCount + tokens.length, hasEnded: ends };
  }

  /** Without the end that the next tokens may change: a character of which a part is missing, half a stop sequence. */
  #certain(text: string): string {
    return text.slice(0, Math.max(0, text.length - this.#heldBackCount)).replace(/(\ufffd+|[\ud800-\udbff])$/, '');
  }

  #delta(index: number, delta: object, logprobs: object | null = null, finish_reason: string | null = null): object {
    return this.#chunk([{ index, delta, logprobs, finish_reason }]);
  }

  #chunk(choices: readonly object[], usage?: object): object {
    return {
      ...{ ...this.#head, object: 'chat.completion.chunk', choices },
      ...(this.#includeUsage && { usage: usage ?? null }),
    };
  }
}

/** The first tokens, whose texts are no longer than that together. */
function tokensWithin({ tokens = [] }: ChatChoice, length: number): NonNullable<ChatChoice['tokens']> {
  let end = 0;
  for (let left = length; end < tokens.length; end++) {
    left -= required(tokens[end], 'a token').text.length;
    if (left < 0) break;
  }
  return tokens.slice(0, end);
}
