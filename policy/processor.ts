/**
 * Converts messages and images to prompts, and completions to tokens and back, with the files of a checkpoint folder. A
 * text-only model needs no image processor.
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
import { openedReasoning, withOpened, withoutOpened } from './text/opened-reasoning.ts';
import { readStopTokenIds } from './text/stop-token.ts';
import { Tokenizer } from './text/tokenizer.ts';
import type { ImageChange } from './vision/processed-images.ts';

export interface Processor {
  /**
   * Encodes a prompt. Images are encoded files, in the order of the image parts. Text of rows is plain text: special
   * tokens in it open or close no turn and insert no image. Throws IMAGE_UNREADABLE, PROMPT_INVALID.
   */
  encodePrompt(messages: readonly ChatMessage[], images: readonly Uint8Array[]): Promise<EncodedPrompt>;
  /**
   * Like `encodePrompt`, with pixels computed on demand: files are read now for image sizes, and later for pixels. With
   * `changes`, one for each image, pixels are those of the changed images. `date` is the day that a chat template may
   * write, by default one that never changes.
   */
  deferPrompt(
    messages: readonly ChatMessage[],
    images: readonly ImageFile[],
    changes?: readonly ImageChange[],
    date?: string,
  ): Promise<DeferredPrompt>;
  /**
   * Encodes a completion and appends the stop token; text of rows is plain text. Throws PROMPT_INVALID for a token that
   * can never be sampled.
   */
  encodeCompletion(completion: string | MarkedText): number[];
  /**
   * Decodes a completion; special tokens are kept, the final stop token is removed. A reasoning tag that the prompt has
   * opened is put before it, and left out by `encodeCompletion`.
   */
  decodeCompletion(tokenIds: readonly number[]): string;
  /** Ids that are never sampled, ascending: padding, begin, unknown and image tokens, and unused ids. */
  readonly bannedTokenIds: readonly number[];
  readonly stopTokenId: number;
  /** Further tokens that end a completion; absent if there are none. */
  readonly otherStopTokenIds?: readonly number[];
  /** Maximum length of a prompt with its completion, in tokens. */
  readonly positionCountMax: number;
  readonly padTokenId: number;
}

/** Reads an encoded image. */
export type ImageFile = () => Promise<Uint8Array>;

export interface ProcessorOptions {
  /** Size limit of the cache of processed images. */
  readonly imageCacheByteLengthMax?: number;
}

/** Loads a folder's processor. Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED naming file and field. */
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
  const opened = openedReasoning(renderChat);
  const stopTokenIds = await readStopTokenIds(folder, tokenizer);
  const [stopTokenId, ...otherStopTokenIds] = stopTokenIds;
  const banned = bannedIds(tokenizer, imagePrompts, architecture.text.vocabularySize, stopTokenIds);
  const deferPrompt = async (
    messages: readonly ChatMessage[],
    files: readonly ImageFile[],
    changes?: readonly ImageChange[],
    date?: string,
  ): Promise<DeferredPrompt> => {
    checkImageCount(messages, files.length);
    const render: RenderChat = (rendered) => renderChat(rendered, date);
    if (imagePrompts === undefined)
      return encodeText(render, tokenizer, messages, `${folder}: ${architecture.modelType}`);
    return deferWithImages(render, tokenizer, imagePrompts, messages, files, changes);
  };
  return {
    stopTokenId,
    ...(otherStopTokenIds.length > 0 && { otherStopTokenIds }),
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
      const marked = withoutOpened(
        typeof completion === 'string' ? { text: completion, rows: [] } : completion,
        opened,
      );
      const { text } = marked;
      const marks = unusedMarks([text]);
      const tokenIds = tokenizer.encodeMarked(markRows(marked, marks), marks);
      const wrong = tokenIds.find((id) => banned.has(id) || stopTokenIds.includes(id));
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
      const last = tokenIds.at(-1);
      const isStopped = last !== undefined && stopTokenIds.includes(last);
      return withOpened(tokenizer.decode(isStopped ? tokenIds.slice(0, -1) : tokenIds), opened);
    },
  };
}

async function deferWithImages(
  renderChat: RenderChat,
  tokenizer: Tokenizer,
  imagePrompts: ImagePrompts,
  messages: readonly ChatMessage[],
  files: readonly ImageFile[],
  changes: readonly ImageChange[] = [],
): Promise<DeferredPrompt> {
  const { sent } = imagePrompts;
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
    ...(sent !== undefined &&
      changes.length === 0 && {
        encoded: {
          tokenId: sent.tokenId,
          files: () => Promise.all(files.map(async (read) => sent.file(await read()))),
        },
      }),
    pixels: async () => {
      const images = await Promise.all(
        files.map(async (read, i) => {
          const tiles = await imagePrompts.pixels(await read(), changes[i]);
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

/** Encodes a prompt without images: chat templates of text models expect a message's content as one string. */
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
  stopTokenIds: readonly number[],
): Set<number> {
  const named = (['pad_token', 'bos_token', 'unk_token'] as const).map((name) => tokenizer.specialId(name));
  const ids = Array.from({ length: vocabularySize }, (_, id) => id);
  const unused = ids.filter((id) => {
    const token = tokenizer.tokenOf(id);
    // Position tokens of split images are image tokens too.
    return token === undefined || (imagePrompts !== undefined && /^<row_\d+_col_\d+>$/.test(token));
  });
  const banned = new Set([...named, ...(imagePrompts?.tokenIds ?? []), ...unused].filter((id) => id !== undefined));
  // Some checkpoints use a stop token as padding or begin token.
  for (const id of stopTokenIds) banned.delete(id);
  return banned;
}

/** Checks that every token has an embedding row. Rows without a token are valid, and never sampled. */
function checkVocabulary(folder: string, { text: { vocabularySize } }: Architecture, tokenizer: Tokenizer): void {
  if (tokenizer.idMax < vocabularySize) return;
  throw new MtrlError('CHECKPOINT_INVALID', 'field vocab_size does not fit tokenizer.json', {
    where: join(folder, 'config.json'),
    found: String(vocabularySize),
    hint: `the tokenizer has ids up to ${String(tokenizer.idMax)}`,
  });
}
