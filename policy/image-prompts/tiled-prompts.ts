/**
 * Writes images like `Idefics3Processor` and `SmolVLMProcessor` of transformers: tiles row by row, then the whole
 * image.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { MtrlError } from '../../core/errors.ts';
import { checkFields, readJsonFile } from '../checkpoint-file.ts';
import type { PixelValues } from '../engine.ts';
import type { ImageForm } from '../models/architecture.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { ImageProcessor, type TileGrid } from '../vision/image-processor.ts';
import type { ImageChange } from '../vision/processed-images.ts';
import { imageSizeOf } from '../vision/rgb-image.ts';
import type { ImagePrompts, OutlinedImage } from './image-prompts.ts';

type SquareForm = Extract<ImageForm, { kind: 'square' }>;

interface ImageTokens {
  readonly image: string;
  readonly fake: string;
  readonly global: string;
}

export class TiledPrompts implements ImagePrompts {
  readonly placeholder: string;
  readonly tokenIds: readonly number[];
  readonly #tokens: ImageTokens;
  readonly #processor: ImageProcessor;
  /** T, tokens per tile. */
  readonly #tokenCountPerTile: number;

  /** Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED naming file and field. */
  static async load(
    folder: string,
    form: SquareForm,
    tokenizer: Tokenizer,
    cacheByteLengthMax: number,
  ): Promise<TiledPrompts> {
    const processor = await ImageProcessor.load(folder, cacheByteLengthMax);
    await checkImageSeqLen(folder, form);
    checkEdge(folder, form, processor);
    const tokens = imageTokens(tokenizer);
    const tokenIds = Object.values<string>({ ...tokens }).map((token) => tokenizer.requireId(token));
    return new TiledPrompts(tokens, tokenIds, processor, form.tokenCount);
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

  async outline(encoded: Uint8Array): Promise<OutlinedImage> {
    const grid = this.#processor.gridOf(await imageSizeOf(encoded));
    const { edge } = this.#processor;
    const tileCount = grid.rowCount * grid.columnCount + 1;
    const tiles = Array.from({ length: tileCount }, () => ({ height: edge, width: edge }));
    return { tiles, text: this.#textFor(grid) };
  }

  async pixels(encoded: Uint8Array, change?: ImageChange): Promise<readonly PixelValues[]> {
    return (await this.#processor.process(encoded, change)).tiles;
  }

  /** Text of an image: tiles row by row, each after its position token, then the whole image. */
  #textFor({ rowCount, columnCount }: TileGrid): string {
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

/** Names from the tokenizer's config, with the defaults of Idefics3Processor. */
function imageTokens({ specialTokens }: Tokenizer): ImageTokens {
  return {
    image: specialTokens.image_token ?? '<image>',
    fake: specialTokens.fake_image_token ?? '<fake_token_around_image>',
    global: specialTokens.global_image_token ?? '<global-img>',
  };
}

/** Checks that image_seq_len agrees with config.json. */
async function checkImageSeqLen(folder: string, { tokenCount }: SquareForm): Promise<void> {
  const where = join(folder, 'processor_config.json');
  const schema = z.looseObject({ image_seq_len: z.int().min(1).default(169) });
  const file = (await readJsonFile(folder, 'processor_config.json')) ?? {};
  const { image_seq_len: found } = checkFields(schema, file, where);
  if (found === tokenCount) return;
  throw new MtrlError('CHECKPOINT_INVALID', 'field image_seq_len does not fit config.json', {
    where,
    found: String(found),
    hint: `the vision tower gives ${String(tokenCount)} tokens an image`,
  });
}

function checkEdge(folder: string, form: SquareForm, { edge }: ImageProcessor): void {
  if (edge === form.edge) return;
  throw new MtrlError('CHECKPOINT_INVALID', 'field max_image_size.longest_edge does not fit config.json', {
    where: join(folder, 'preprocessor_config.json'),
    found: String(edge),
    hint: `vision_config.image_size is ${String(form.edge)}`,
  });
}
