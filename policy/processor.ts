/**
 * Between judging and the engine: messages and images to an EncodedPrompt, completions to tokens and back, by the files
 * of a checkpoint folder. Follows `Idefics3Processor` of transformers for images that are not split.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { assert } from '../core/assert.ts';
import { MtrlError } from '../core/errors.ts';
import { checkFields, readJsonFile, requireJsonFile } from './checkpoint-file.ts';
import type { EncodedPrompt } from './engine.ts';
import { parseIdefics3Config, type Idefics3Config } from './models/idefics3-config.ts';
import type { ChatMessage } from './text/chat-message.ts';
import { loadChatTemplate, type RenderChat } from './text/chat-template.ts';
import { readStopTokenId } from './text/stop-token.ts';
import { Tokenizer } from './text/tokenizer.ts';
import { ImageProcessor } from './vision/image-processor.ts';

export interface Processor {
  /** Images are encoded files, in the order of the image parts. Throws IMAGE_UNREADABLE, PROMPT_INVALID. */
  encodePrompt(messages: readonly ChatMessage[], images: readonly Uint8Array[]): Promise<EncodedPrompt>;
  /** Tokens with the stop token at the end. Throws PROMPT_INVALID when one of them could never be sampled. */
  encodeCompletion(text: string): number[];
  /** Text with special tokens kept and the final stop token left out. */
  decodeCompletion(tokenIds: readonly number[]): string;
  /** Never sampled, in ascending order: padding, begin, unknown and image tokens, and ids that stand for nothing. */
  readonly bannedTokenIds: readonly number[];
  readonly stopTokenId: number;
  readonly padTokenId: number;
}

export interface ProcessorOptions {
  /** Memory for processed images. */
  readonly imageCacheByteLengthMax?: number;
}

/** Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED naming file and field. */
export async function loadProcessor(
  folder: string,
  { imageCacheByteLengthMax = 64 << 20 }: ProcessorOptions = {},
): Promise<Processor> {
  const config = parseIdefics3Config(await requireJsonFile(folder, 'config.json'), join(folder, 'config.json'));
  const tokenizer = await Tokenizer.load(folder);
  const images = await ImageProcessor.load(folder, imageCacheByteLengthMax);
  const imageSeqLen = await readImageSeqLen(folder, config);
  checkEdge(folder, config, images);
  const renderChat = await loadChatTemplate(folder, tokenizer.specialTokens);
  const tokens = imageTokens(tokenizer);
  checkImageToken(folder, config, tokenizer.requireId(tokens.image));
  const stopTokenId = await readStopTokenId(folder, tokenizer);
  return makeProcessor({
    tokenizer,
    images,
    imageSeqLen,
    renderChat,
    tokens,
    stopTokenId,
    vocabularySize: config.text.vocabularySize,
  });
}

interface Parts {
  readonly tokenizer: Tokenizer;
  readonly images: ImageProcessor;
  readonly imageSeqLen: number;
  readonly renderChat: RenderChat;
  readonly tokens: ImageTokens;
  readonly stopTokenId: number;
  readonly vocabularySize: number;
}

function makeProcessor({
  tokenizer,
  images,
  imageSeqLen,
  renderChat,
  tokens,
  stopTokenId,
  vocabularySize,
}: Parts): Processor {
  const banned = bannedIds(tokenizer, tokens, vocabularySize, stopTokenId);
  const expansion = `${tokens.fake}${tokens.global}${tokens.image.repeat(imageSeqLen)}${tokens.fake}`;
  return {
    stopTokenId,
    padTokenId: tokenizer.specialId('pad_token') ?? stopTokenId,
    bannedTokenIds: [...banned].sort((a, b) => a - b),
    async encodePrompt(messages, encodedImages) {
      const partCount = messages.flatMap(({ content }) => content).filter(({ type }) => type === 'image').length;
      assert(
        partCount === encodedImages.length,
        `${String(encodedImages.length)} images for ${String(partCount)} image parts`,
      );
      const pieces = renderChat(messages).split(tokens.image);
      if (pieces.length - 1 !== encodedImages.length) {
        throw new MtrlError(
          'PROMPT_INVALID',
          `the prompt's text holds ${tokens.image} ${String(pieces.length - 1)} times`,
          {
            found: `${String(encodedImages.length)} images`,
            hint: `only image parts may become ${tokens.image}: texts must not hold it, the chat template must not leave it out`,
          },
        );
      }
      const tokenIds = tokenizer.encode(pieces.join(expansion));
      return { tokenIds, images: await Promise.all(encodedImages.map((image) => images.process(image))) };
    },
    encodeCompletion(text) {
      const tokenIds = tokenizer.encode(text);
      const wrong = tokenIds.find((id) => banned.has(id) || id === stopTokenId);
      if (wrong === undefined) return [...tokenIds, stopTokenId];
      throw new MtrlError('PROMPT_INVALID', 'the completion holds a token that a policy could not have sampled there', {
        where: text.slice(0, 200),
        found: `token ${String(wrong)}, ${tokenizer.tokenOf(wrong) ?? 'no text'}`,
        hint: 'use words of the tokenizer, and no padding, image or stop tokens',
      });
    },
    decodeCompletion(tokenIds) {
      return tokenizer.decode(tokenIds.at(-1) === stopTokenId ? tokenIds.slice(0, -1) : tokenIds);
    },
  };
}

interface ImageTokens {
  readonly image: string;
  readonly fake: string;
  readonly global: string;
}

/** As the tokenizer's config names them; else as Idefics3Processor does. */
function imageTokens({ specialTokens }: Tokenizer): ImageTokens {
  return {
    image: specialTokens.image_token ?? '<image>',
    fake: specialTokens.fake_image_token ?? '<fake_token_around_image>',
    global: specialTokens.global_image_token ?? '<global-img>',
  };
}

function bannedIds(
  tokenizer: Tokenizer,
  tokens: ImageTokens,
  vocabularySize: number,
  stopTokenId: number,
): Set<number> {
  const named = (['pad_token', 'bos_token', 'unk_token'] as const).map((name) => tokenizer.specialId(name));
  const image = Object.values<string>({ ...tokens }).map((token) => tokenizer.requireId(token));
  const ids = Array.from({ length: vocabularySize }, (_, id) => id);
  const unused = ids.filter((id) => {
    const token = tokenizer.tokenOf(id);
    // Position tokens of split images belong to images, too.
    return token === undefined || /^<row_\d+_col_\d+>$/.test(token);
  });
  const banned = new Set([...named, ...image, ...unused].filter((id) => id !== undefined));
  // Some checkpoints pad with their stop token, or begin with it.
  banned.delete(stopTokenId);
  return banned;
}

/** Tokens that stand for one image. The config decides; the processor's file may only agree. */
async function readImageSeqLen(folder: string, { vision, scaleFactor }: Idefics3Config): Promise<number> {
  const where = join(folder, 'processor_config.json');
  const schema = z.looseObject({ image_seq_len: z.int().min(1).default(169) });
  const { image_seq_len: found } = checkFields(
    schema,
    (await readJsonFile(folder, 'processor_config.json')) ?? {},
    where,
  );
  const expected = (vision.imageSize / vision.patchSize / scaleFactor) ** 2;
  if (found === expected) return found;
  throw new MtrlError('CHECKPOINT_INVALID', 'field image_seq_len does not fit config.json', {
    where,
    found: String(found),
    hint: `the vision tower gives ${String(expected)} tokens an image`,
  });
}

function checkEdge(folder: string, { vision }: Idefics3Config, { edge }: ImageProcessor): void {
  if (edge === vision.imageSize) return;
  throw new MtrlError('CHECKPOINT_INVALID', 'field max_image_size.longest_edge does not fit config.json', {
    where: join(folder, 'preprocessor_config.json'),
    found: String(edge),
    hint: `vision_config.image_size is ${String(vision.imageSize)}`,
  });
}

function checkImageToken(folder: string, { imageTokenId }: Idefics3Config, found: number): void {
  if (found === imageTokenId) return;
  throw new MtrlError('CHECKPOINT_INVALID', 'field image_token_id does not fit tokenizer.json', {
    where: join(folder, 'config.json'),
    found: String(imageTokenId),
    hint: `the image token has id ${String(found)}`,
  });
}
