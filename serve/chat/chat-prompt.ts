/** Messages of a chat request as a prompt. Their text is plain text: special tokens in it open no turn and no picture. */
import { UnusableRow } from '../../judge/datasets/reading.ts';
import type { ChatMessage, ContentPart } from '../../core/chat-message.ts';
import { requireCarried } from '../../pipeline/asking/prompts/prompt-encoder.ts';
import type { DeferredPrompt } from '../../policy/engine.ts';
import { type PictureRules, type RequestImage, requestImage } from '../judging/taken-image.ts';
import type { ServedPolicy } from '../policies/served-policy.ts';
import type { ChatMessageInput } from './chat-request.ts';

/** Throws UnusableRow for a picture, MtrlError PROMPT_INVALID. */
export async function chatPrompt(
  { loaded, recipe }: ServedPolicy,
  inputs: readonly ChatMessageInput[],
  rules: PictureRules & { readonly imageCountMax: number },
): Promise<DeferredPrompt> {
  const images: RequestImage[] = [];
  const messages: ChatMessage[] = [];
  for (const [i, { role, content }] of inputs.entries()) {
    const parts: ContentPart[] = [];
    for (const [k, part] of asParts(content).entries()) {
      if (part.type === 'text') parts.push(...plainText(part.text));
      else {
        if (images.length >= rules.imageCountMax)
          throw new UnusableRow('IMAGE_TOO_LARGE', `the request has more than ${rules.imageCountMax} pictures`);
        images.push(await requestImage(part.image_url.url, `messages.${i}.content.${k}.image_url.url`, rules));
        parts.push({ type: 'image' });
      }
    }
    messages.push({ role: role === 'developer' ? 'system' : role, content: parts });
  }
  const files = images.map(
    ({ bytes }) =>
      () =>
        Promise.resolve(bytes),
  );
  const prompt = await loaded.processor.deferPrompt(messages, files, undefined, recipe.promptDate);
  return requireCarried({ id: 'of the request' }, prompt);
}

function asParts(content: ChatMessageInput['content']) {
  return typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content;
}

function plainText(text: string): ContentPart[] {
  return text === '' ? [] : [{ type: 'text', text, rows: [[0, text.length]] }];
}
