/** What is said to a judge, before a chat template makes text of it. */

import type { TextRange } from './marked-text.ts';

export interface TextPart {
  readonly type: 'text';
  readonly text: string;
  /** Where text of a row stands in it, which is never special to a tokenizer; left out where none does. */
  readonly rows?: readonly TextRange[];
}

/** Images are given beside the messages, in the order of their parts. */
export type ContentPart = { readonly type: 'image' } | TextPart;

export interface ChatMessage {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: readonly ContentPart[];
}
