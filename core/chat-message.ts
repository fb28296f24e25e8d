/** What is said to a judge, before a chat template makes text of it. */

/** Images are given beside the messages, in the order of their parts. */
export type ContentPart = { readonly type: 'image' } | { readonly type: 'text'; readonly text: string };

export interface ChatMessage {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: readonly ContentPart[];
}
