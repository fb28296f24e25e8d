/** The messages of a question, and the files of their images. */
import type { ChatMessage } from '../../../core/chat-message.ts';
import { required } from '../../../core/assert.ts';
import { blankImageLike } from '../../../judge/evaluation/blank-image.ts';
import type { Asked } from '../../../judge/evaluation/probes.ts';
import type { AnswerMode, Example } from '../../../judge/example.ts';
import {
  imagesOfMessages,
  type ModeWords,
  renderPrompt,
  shotMessages,
  systemMessages,
} from '../../../judge/tasks/prompt.ts';

export interface AskedMessages {
  readonly messages: readonly ChatMessage[];
  /** One for each image part, in order; each call reads the encoded file. */
  readonly files: readonly (() => Promise<Uint8Array>)[];
}

/** `read` returns the encoded image of a digest. Throws PROMPT_INVALID. */
export function askedMessages(
  { example, spec, isBlank, shots = [] }: Asked,
  mode: AnswerMode,
  modeWords: ModeWords,
  read: (digest: string) => Promise<Uint8Array>,
): AskedMessages {
  const fileOf = ({ images, id }: Example, image: number, blank: boolean) => {
    const digest = required(images[image], `image ${String(image)} of ${id}`);
    return async () => (blank ? blankImageLike(await read(digest)) : read(digest));
  };
  const asks = [
    ...shots.map((shot) => ({ of: shot, messages: shotMessages(spec, shot, mode, modeWords) })),
    { of: example, messages: renderPrompt(spec, example, mode, modeWords) },
  ];
  const files = asks.flatMap(({ of, messages }) => {
    return imagesOfMessages(messages, (image) => fileOf(of, image, isBlank && of === example));
  });
  return { messages: [...systemMessages(spec), ...asks.flatMap(({ messages }) => messages)], files };
}
