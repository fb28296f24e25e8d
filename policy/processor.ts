/**
 * Between judging and the engine: messages and images to an EncodedPrompt, completions to tokens and back, by the files
 * of a checkpoint folder. A model that reads text only needs no image processor.
 */
import { join } from 'node:path';
import { assert } from '../core/assert.ts';
import { MtrlError } from '../core/errors.ts';
import { requireJsonFile } from './checkpoint-file.ts';
import type { DeferredPrompt, EncodedPrompt } from './engine.ts';
import type { ImagePrompts } from './image-prompts/image-prompts.ts';
import { loadImagePrompts } from './image-prompts/load.ts';
import { type Architecture, readArchitecture } from './models/architecture.ts';
import type { ChatMessage, TextPart } from '../core/chat-message.ts';
import {
  markRows,
  type MarkedText,
  segmentsOf,
  splitTemplate,
  type TextMarks,
  unusedMarks,
} from '../core/marked-text.ts';
import { loadChatTemplate, type RenderChat } from './text/chat-template.ts';
import { readStopTokenId } from './text/stop-token.ts';
import { Tokenizer } from './text/tokenizer.ts';

export interface Processor {
  /**
   * Images are encoded files, in the order of the image parts. Text of rows is plain text: it opens no turn, closes none,
   * and shows no image, whatever it spells. Throws IMAGE_UNREADABLE, PROMPT_INVALID.
   */
  encodePrompt(messages: readonly ChatMessage[], images: readonly Uint8Array[]): Promise<EncodedPrompt>;
  /** The same with pixels that are made when they are asked for: each file is read for its size now, and again then. */
  deferPrompt(messages: readonly ChatMessage[], images: readonly ImageFile[]): Promise<DeferredPrompt>;
  /** Tokens with the stop token at the end; text of rows is plain text. Throws PROMPT_INVALID when one of them could never be sampled. */
  encodeCompletion(completion: string | MarkedText): number[];
  /** Text with special tokens kept and the final stop token left out. */
  decodeCompletion(tokenIds: readonly number[]): string;
  /** Never sampled, in ascending order: padding, begin, unknown and image tokens, and unused ids. */
  readonly bannedTokenIds: readonly number[];
  readonly stopTokenId: number;
  /** Tokens of a prompt and its answer, at most. */
  readonly positionCountMax: number;
  readonly padTokenId: number;
}

/** Reads an encoded image. */
export type ImageFile = () => Promise<Uint8Array>;

export interface ProcessorOptions {
  /** Memory for processed images. */
  readonly imageCacheByteLengthMax?: number;
}

/** Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED naming file and field. */
export async function loadProcessor(
  folder: string,
  { imageCacheByteLengthMax = 64 << 20 }: ProcessorOptions = {},
): Promise<Processor> {
  const architecture = readArchitecture(await requireJsonFile(folder, 'config.json'), join(folder, 'config.json'));
  const tokenizer = await Tokenizer.load(folder);
  checkVocabulary(folder, architecture, tokenizer);
  const imagePrompts =
    architecture.images === undefined
      ? undefined
      : await loadImagePrompts(folder, architecture.images, tokenizer, imageCacheByteLengthMax);
  const renderChat = await loadChatTemplate(folder, tokenizer.specialTokens);
  const stopTokenId = await readStopTokenId(folder, tokenizer);
  const banned = bannedIds(tokenizer, imagePrompts, architecture.text.vocabularySize, stopTokenId);
  const deferPrompt = async (
    messages: readonly ChatMessage[],
    files: readonly ImageFile[],
  ): Promise<DeferredPrompt> => {
    checkImageCount(messages, files.length);
    if (imagePrompts === undefined)
      return encodeText(renderChat, tokenizer, messages, `${folder}: ${architecture.modelType}`);
    return deferWithImages(renderChat, tokenizer, imagePrompts, messages, files);
  };
  return {
    stopTokenId,
    positionCountMax: architecture.text.positionCountMax,
    padTokenId: tokenizer.specialId('pad_token') ?? stopTokenId,
    bannedTokenIds: [...banned].sort((a, b) => a - b),
    deferPrompt,
    async encodePrompt(messages, encodedImages) {
      const { tokenIds, pixels } = await deferPrompt(
        messages,
        encodedImages.map((encoded) => () => Promise.resolve(encoded)),
      );
      return { tokenIds, images: await pixels() };
    },
    encodeCompletion(completion) {
      const marked = typeof completion === 'string' ? { text: completion, rows: [] } : completion;
      const { text } = marked;
      const marks = unusedMarks([text]);
      const tokenIds = tokenizer.encodeMarked(markRows(marked, marks), marks);
      const wrong = tokenIds.find((id) => banned.has(id) || id === stopTokenId);
      if (wrong === undefined) return [...tokenIds, stopTokenId];
      throw new MtrlError(
        'PROMPT_INVALID',
        'the completion contains a token that a policy could not have sampled there',
        {
          where: text.slice(0, 200),
          found: `token ${String(wrong)}, ${tokenizer.tokenOf(wrong) ?? 'no text'}`,
          hint: 'use words of the tokenizer, and no padding, image or stop tokens',
        },
      );
    },
    decodeCompletion(tokenIds) {
      return tokenizer.decode(tokenIds.at(-1) === stopTokenId ? tokenIds.slice(0, -1) : tokenIds);
    },
  };
}

async function deferWithImages(
  renderChat: RenderChat,
  tokenizer: Tokenizer,
  imagePrompts: ImagePrompts,
  messages: readonly ChatMessage[],
  files: readonly ImageFile[],
): Promise<DeferredPrompt> {
  const marks = marksFor(messages);
  const rendered = renderChat(messages.map((message) => withMarks(message, marks)));
  const pieces = splitTemplate(segmentsOf(rendered, marks), imagePrompts.placeholder);
  if (pieces.length - 1 !== files.length) {
    const { placeholder } = imagePrompts;
    throw new MtrlError(
      'PROMPT_INVALID',
      `the prompt's text contains ${placeholder} ${String(pieces.length - 1)} times`,
      {
        found: `${String(files.length)} images`,
        hint: `only image parts may become ${placeholder}: the task's prompt must not contain it, and the chat template must not leave it out`,
      },
    );
  }
  const outlines = await Promise.all(files.map(async (read) => imagePrompts.outline(await read())));
  const segments = pieces.flatMap((piece, i) => [...piece, { text: outlines[i]?.text ?? '', isRow: false }]);
  const text = segments.map((each) => (each.isRow ? `${marks.open}${each.text}${marks.close}` : each.text)).join('');
  return {
    tokenIds: tokenizer.encodeMarked(text, marks),
    images: outlines.flatMap(({ tiles }) => tiles),
    pixels: async () => {
      const images = await Promise.all(
        files.map(async (read, i) => {
          const tiles = await imagePrompts.pixels(await read());
          const outlined = outlines[i]?.tiles ?? [];
          const isSame = tiles.every(({ height, width }, t) => {
            return height === outlined[t]?.height && width === outlined[t].width;
          });
          assert(tiles.length === outlined.length && isSame, 'the size of an image differs from its header');
          return tiles;
        }),
      );
      return images.flat();
    },
  };
}

/** Chat templates of text models want a message's content as one string. */
function encodeText(
  renderChat: RenderChat,
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  model: string,
): DeferredPrompt {
  const marks = marksFor(messages);
  const plain = messages.map(({ role, content }) => ({
    role,
    content: content
      .map((part) => {
        if (part.type === 'text') return markRows(markedPart(part), marks);
        throw new MtrlError('PROMPT_INVALID', 'a prompt has an image, but the model is text-only', {
          where: model,
          hint: 'use a vision-language checkpoint, or a task without images',
        });
      })
      .join(''),
  }));
  const tokenIds = tokenizer.encodeMarked(renderChat(plain), marks);
  return { tokenIds, images: [], pixels: () => Promise.resolve([]) };
}

function marksFor(messages: readonly ChatMessage[]): TextMarks {
  return unusedMarks(messages.flatMap(({ content }) => content.map((part) => (part.type === 'text' ? part.text : ''))));
}

function withMarks({ role, content }: ChatMessage, marks: TextMarks): ChatMessage {
  const marked = content.map((part) =>
    part.type === 'text' ? { type: part.type, text: markRows(markedPart(part), marks) } : part,
  );
  return { role, content: marked };
}

function markedPart({ text, rows = [] }: TextPart): MarkedText {
  return { text, rows };
}

function checkImageCount(messages: readonly ChatMessage[], imageCount: number): void {
  const partCount = messages.flatMap(({ content }) => content).filter(({ type }) => type === 'image').length;
  assert(partCount === imageCount, `${String(imageCount)} images for ${String(partCount)} image parts`);
}

function bannedIds(
  tokenizer: Tokenizer,
  imagePrompts: ImagePrompts | undefined,
  vocabularySize: number,
  stopTokenId: number,
): Set<number> {
  const named = (['pad_token', 'bos_token', 'unk_token'] as const).map((name) => tokenizer.specialId(name));
  const ids = Array.from({ length: vocabularySize }, (_, id) => id);
  const unused = ids.filter((id) => {
    const token = tokenizer.tokenOf(id);
    // Position tokens of split images belong to images, too.
    return token === undefined || (imagePrompts !== undefined && /^<row_\d+_col_\d+>$/.test(token));
  });
  const banned = new Set([...named, ...(imagePrompts?.tokenIds ?? []), ...unused].filter((id) => id !== undefined));
  // Some checkpoints pad with their stop token, or begin with it.
  banned.delete(stopTokenId);
  return banned;
}

/** A token without an embedding row could not be read; rows without a token are legal, and are never sampled. */
function checkVocabulary(folder: string, { text: { vocabularySize } }: Architecture, tokenizer: Tokenizer): void {
  if (tokenizer.idMax < vocabularySize) return;
  throw new MtrlError('CHECKPOINT_INVALID', 'field vocab_size does not fit tokenizer.json', {
    where: join(folder, 'config.json'),
    found: String(vocabularySize),
    hint: `the tokenizer has ids up to ${String(tokenizer.idMax)}`,
  });
}
