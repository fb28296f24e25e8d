/** Images in prompts, as `Idefics3Processor` and `SmolVLMProcessor` of transformers write them: tiles, and the text that stands for them. */
import { join } from 'node:path';
import { z } from 'zod';
import { MtrlError } from '../core/errors.ts';
import { checkFields, readJsonFile } from './checkpoint-file.ts';
import type { PixelValues } from './engine.ts';
import type { ImageReader } from './models/architecture.ts';
import type { Tokenizer } from './text/tokenizer.ts';
import { ImageProcessor, type TiledImage } from './vision/image-processor.ts';

export interface PreparedImage {
  /** In the order of their tokens. */
  readonly tiles: readonly PixelValues[];
  /** What replaces the image's placeholder in the prompt. */
  readonly text: string;
}

interface ImageTokens {
  readonly image: string;
  readonly fake: string;
  readonly global: string;
}

export class ImagePrompts {
  /** A chat template writes it where an image goes. */
  readonly placeholder: string;
  /** Ids that belong to images alone. */
  readonly tokenIds: readonly number[];
  readonly #tokens: ImageTokens;
  readonly #processor: ImageProcessor;
  /** T, tokens of one tile. */
  readonly #tokenCountPerTile: number;

  /** Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED naming file and field. */
  static async load(
    folder: string,
    reader: ImageReader,
    tokenizer: Tokenizer,
    cacheByteLengthMax: number,
  ): Promise<ImagePrompts> {
    const processor = await ImageProcessor.load(folder, cacheByteLengthMax);
    await checkImageSeqLen(folder, reader);
    checkEdge(folder, reader, processor);
    const tokens = imageTokens(tokenizer);
    checkImageToken(folder, reader, tokenizer.requireId(tokens.image));
    const tokenIds = Object.values<string>({ ...tokens }).map((token) => tokenizer.requireId(token));
    return new ImagePrompts(tokens, tokenIds, processor, reader.tokenCountPerImage);
  }

  private constructor(
    tokens: ImageTokens,
    tokenIds: readonly number[],
    processor: ImageProcessor,
    tokenCountPerTile: number,
  ) {
    this.#tokens = tokens;
    this.placeholder = tokens.image;
    this.tokenIds = tokenIds;
    this.#processor = processor;
    this.#tokenCountPerTile = tokenCountPerTile;
  }

  /** Throws IMAGE_UNREADABLE. */
  async prepare(encoded: Uint8Array): Promise<PreparedImage> {
    const image = await this.#processor.process(encoded);
    return { tiles: image.tiles, text: this.#textFor(image) };
  }

  /** Tiles row by row, each behind its place, then the whole image. */
  #textFor({ rowCount, columnCount }: TiledImage): string {
    const { fake, global, image } = this.#tokens;
    const features = image.repeat(this.#tokenCountPerTile);
    const whole = `${fake}${global}${features}${fake}`;
    if (rowCount === 0) return whole;
    const rows = Array.from({ length: rowCount }, (_, row) =>
      Array.from({ length: columnCount }, (__, column) => `${fake}<row_${row + 1}_col_${column + 1}>${features}`).join(
        '',
      ),
    );
    return `${rows.map((row) => `${row}\n`).join('')}\n${whole}`;
  }
}

/** As the tokenizer's config names them; else as Idefics3Processor does. */
function imageTokens({ specialTokens }: Tokenizer): ImageTokens {
  return {
    image: specialTokens.image_token ?? '<image>',
    fake: specialTokens.fake_image_token ?? '<fake_token_around_image>',
    global: specialTokens.global_image_token ?? '<global-img>',
  };
}

/** The config decides; the processor's file may only agree. */
async function checkImageSeqLen(folder: string, { tokenCountPerImage }: ImageReader): Promise<void> {
  const where = join(folder, 'processor_config.json');
  const schema = z.looseObject({ image_seq_len: z.int().min(1).default(169) });
  const file = (await readJsonFile(folder, 'processor_config.json')) ?? {};
  const { image_seq_len: found } = checkFields(schema, file, where);
  if (found === tokenCountPerImage) return;
  throw new MtrlError('CHECKPOINT_INVALID', 'field image_seq_len does not fit config.json', {
    where,
    found: String(found),
    hint: `the vision tower gives ${String(tokenCountPerImage)} tokens an image`,
  });
}

function checkEdge(folder: string, reader: ImageReader, { edge }: ImageProcessor): void {
  if (edge === reader.edge) return;
  throw new MtrlError('CHECKPOINT_INVALID', 'field max_image_size.longest_edge does not fit config.json', {
    where: join(folder, 'preprocessor_config.json'),
    found: String(edge),
    hint: `vision_config.image_size is ${String(reader.edge)}`,
  });
}

function checkImageToken(folder: string, { tokenId }: ImageReader, found: number): void {
  if (found === tokenId) return;
  throw new MtrlError('CHECKPOINT_INVALID', 'field image_token_id does not fit tokenizer.json', {
    where: join(folder, 'config.json'),
    found: String(tokenId),
    hint: `the image token has id ${String(found)}`,
  });
}
