/** Encodes what is asked about examples, wherever they and their images are kept. */
import { required } from '../../../core/assert.ts';
import { MtrlError } from '../../../core/errors.ts';
import type { MarkedText } from '../../../core/marked-text.ts';
import type { Asked } from '../../../judge/evaluation/probes.ts';
import type { AnswerMode, Example } from '../../../judge/example.ts';
import { imagesOfMessages } from '../../../judge/tasks/prompt.ts';
import type { DeferredPrompt, TokenRoles } from '../../../policy/engine.ts';
import { pixelByteLength } from '../../../policy/engines/pixel-byte-length.ts';
import type { ImageChange } from '../../../policy/vision/processed-images.ts';
import type { LoadedProcessor } from '../../policies/processors.ts';
import type { Prompting } from '../../policies/step-record.ts';
import { askedMessages } from './asked-messages.ts';

export interface PromptEncoder {
  /** Encodes an example as a probe shows it; not cached. */
  encodeAsked(asked: Asked, mode: AnswerMode): Promise<DeferredPrompt>;
  /** With changed pictures, one change for each. */
  readonly encodeChanged: (asked: Asked, mode: AnswerMode, changes?: readonly ImageChange[]) => Promise<DeferredPrompt>;
  /** Token ids of any completion, including the stop token. Throws PROMPT_INVALID for text that is never sampled. */
  completion(text: string | MarkedText): readonly number[];
  /** Text with special tokens, without the stop token. */
  decode(tokenIds: readonly number[]): string;
  readonly tokens: TokenRoles;
}

/** @param read returns the encoded image of a digest */
export function promptEncoder(
  { processor }: LoadedProcessor,
  { modeWords, promptDate }: Pick<Prompting, 'modeWords' | 'promptDate'>,
  read: (digest: string) => Promise<Uint8Array>,
): PromptEncoder {
  const encodeChanged: PromptEncoder['encodeChanged'] = async (asked, mode, changes) => {
    const { messages, files } = askedMessages(asked, mode, modeWords, read);
    const shown = changes && imagesOfMessages(messages, (image) => required(changes[image], 'a change of every image'));
    return requireCarried(asked.example, await processor.deferPrompt(messages, files, shown, promptDate));
  };
  return {
    encodeChanged,
    encodeAsked: (asked, mode) => encodeChanged(asked, mode),
    completion: (text) => processor.encodeCompletion(text),
    decode: (tokenIds) => processor.decodeCompletion(tokenIds),
    tokens: tokensOf(processor),
  };
}

/** Limit of one prompt: its pixels go to the engine in one message. */
const promptPixelByteLengthMax = 512 << 20;

/** Throws PROMPT_INVALID if the prompt's pixels do not fit into one message to the engine, whatever the batch size. */
export function requireCarried({ id }: Pick<Example, 'id'>, prompt: DeferredPrompt): DeferredPrompt {
  const byteLength = pixelByteLength(prompt.images);
  if (byteLength <= promptPixelByteLengthMax) return prompt;
  throw new MtrlError('PROMPT_INVALID', "the prompt's images exceed the pixel limit of one prompt", {
    where: `example ${id}`,
    found: `${String(byteLength)} bytes of pixels in ${String(prompt.images.length)} tiles, allowed ${String(promptPixelByteLengthMax)}`,
    hint: "leave the row out, use smaller or fewer images, or reduce the size in the checkpoint's preprocessor_config.json",
  });
}

export function tokensOf({ stopTokenId, otherStopTokenIds, padTokenId, bannedTokenIds }: TokenRoles): TokenRoles {
  return { stopTokenId, ...(otherStopTokenIds && { otherStopTokenIds }), padTokenId, bannedTokenIds };
}
