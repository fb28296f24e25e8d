/**
 * Templates of reasoning models (DeepSeek-R1, Qwen3-Thinking) end a prompt with an open tag, so that completions go on
 * inside it and contain only the closing tag.
 */
import type { MarkedText } from '../../core/marked-text.ts';
import type { RenderChat } from './chat-template.ts';

const [open, close] = ['<think>', '</think>'];

/** What the template opens at the end of a prompt, with the white space after the tag; empty for other templates. */
export function openedReasoning(renderChat: RenderChat): string {
  for (const content of ['', [{ type: 'text', text: '' }]]) {
    try {
      return /<think>\s*$/.exec(renderChat([{ role: 'user', content }]))?.[0] ?? '';
    } catch {
      // Templates expect one of the two forms of content; a template that accepts neither fails with the first prompt.
    }
  }
  return '';
}

/** A completion as it reads after its prompt. A completion that closes nothing did not reason. */
export function withOpened(text: string, opened: string): string {
  return opened !== '' && text.includes(close) && !text.includes(open) ? `${opened}${text}` : text;
}

/** A completion as it is sampled after such a prompt: without the tag that the prompt has opened. */
export function withoutOpened({ text, rows }: MarkedText, opened: string): MarkedText {
  if (opened === '' || !text.startsWith(open)) return { text, rows };
  const rest = text.slice(open.length).trimStart();
  const cut = text.length - rest.length;
  return { text: rest, rows: rows.map(([from, to]) => [from - cut, to - cut]) };
}
