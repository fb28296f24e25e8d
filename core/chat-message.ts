/** Messages to a judge, before the chat template turns them into text. */

import type { TextRange } from './marked-text.ts';

export interface TextPart {
  readonly type: 'text';
  readonly text: string;
  /** Spans of row text in `text`, which the tokenizer reads as plain text; undefined if there are none. */
  readonly rows?: readonly TextRange[];
}

/** Images are passed next to the messages, in the order of their parts. */
export interface ImagePart {
  readonly type: 'image';
  /** Which of the example's images; default: the next one. */
  readonly image?: number;
}

export type ContentPart = ImagePart | TextPart;

export interface ChatMessage {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: readonly ContentPart[];
}
