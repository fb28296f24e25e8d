/** Encoded images to the pixels that the vision tower reads, as `Idefics3ImageProcessor` (Pillow backend) makes them. */
import { join } from 'node:path';
import { z } from 'zod';
import { ByteCache } from '../../core/byte-cache.ts';
import { MtrlError } from '../../core/errors.ts';
import { sha256 } from '../../core/json.ts';
import { checkFields, readJsonFile, requireJsonFile } from '../checkpoint-file.ts';
import type { PixelValues } from '../engine.ts';
import { resizeRgb, supportedResamples } from './resample.ts';
import { decodeImage, type RgbImage } from './rgb-image.ts';

const edge = z.object({ longest_edge: z.int().min(1) });
const perChannel = z.array(z.number()).length(3);

const configSchema = z.looseObject({
  do_resize: z.boolean().default(true),
  size: edge.default({ longest_edge: 4 * 364 }),
  resample: z.int().default(supportedResamples.lanczos),
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  do_normalize: z.boolean().default(true),
  image_mean: perChannel.default([0.5, 0.5, 0.5]),
  image_std: perChannel.default([0.5, 0.5, 0.5]),
  do_image_splitting: z.boolean().default(true),
  max_image_size: edge.default({ longest_edge: 364 }),
});
type Config = z.infer<typeof configSchema>;

/** Transformers caps what `size` may ask for. */
const longestEdgeMax = 4096;

/** What the tower sees of one image. */
export interface TiledImage {
  /** Tiles row by row, then the whole image; that one alone where the image is not split. */
  readonly tiles: readonly PixelValues[];
  /** 0 where the image is not split. */
  readonly rowCount: number;
  readonly columnCount: number;
}

export class ImageProcessor {
  /** Height and width of every tile that comes out. */
  readonly edge: number;
  readonly #config: Config;
  /** [channel][level] -> value. */
  readonly #levels: readonly Float32Array[];
  readonly #cache: ByteCache<TiledImage>;

  /** Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED. */
  static async load(folder: string, cacheByteLengthMax: number): Promise<ImageProcessor> {
    const { value, where } = await findConfig(folder);
    const config = checkFields(configSchema, value, where);
    if (!Object.values<number>(supportedResamples).includes(config.resample)) {
      throw new MtrlError('CHECKPOINT_UNSUPPORTED', 'resample is not supported', {
        where,
        found: String(config.resample),
        hint: `use one of ${JSON.stringify(supportedResamples)}`,
      });
    }
    return new ImageProcessor(config, cacheByteLengthMax);
  }

  private constructor(config: Config, cacheByteLengthMax: number) {
    this.#config = config;
    this.edge = config.max_image_size.longest_edge;
    this.#levels = [0, 1, 2].map((channel) => levelTable(config, channel));
    this.#cache = new ByteCache(cacheByteLengthMax);
  }

  /** Of a PNG, JPEG, ... file; shared with other callers: not to be written into. Throws IMAGE_UNREADABLE. */
  async process(encoded: Uint8Array): Promise<TiledImage> {
    const digest = sha256(encoded);
    const cached = this.#cache.get(digest);
    if (cached !== undefined) return cached;
    const image = this.fromRgb(await decodeImage(encoded, `image ${digest}`));
    const byteLength = image.tiles.reduce((sum, { data }) => sum + data.byteLength, 0);
    this.#cache.set(digest, image, byteLength);
    return image;
  }

  /**
   * Longest side to `size`; then to a square of `max_image_size` (which does not keep the proportions), or, where images
   * are split, to multiples of it that are cut into tiles, with the square behind them. Tiles are float32 [3, edge, edge].
   */
  fromRgb(image: RgbImage): TiledImage {
    const { do_resize, size, resample, do_image_splitting } = this.#config;
    const [height, width] = do_resize ? sizeFor(image, size.longest_edge) : [image.height, image.width];
    const sized = resizeRgb(image, height, width, resample);
    if (!do_image_splitting) return { tiles: [this.#whole(sized)], rowCount: 0, columnCount: 0 };
    const grid = resizeRgb(sized, ...gridFor(sized, this.edge), resample);
    const rowCount = grid.height / this.edge;
    const columnCount = grid.width / this.edge;
    if (rowCount === 1 && columnCount === 1) return { tiles: [this.#numbers(grid)], rowCount: 0, columnCount: 0 };
    const tiles = Array.from({ length: rowCount * columnCount }, (_, i) =>
      this.#numbers(crop(grid, Math.floor(i / columnCount) * this.edge, (i % columnCount) * this.edge, this.edge)),
    );
    return { tiles: [...tiles, this.#whole(grid)], rowCount, columnCount };
  }

  #whole(image: RgbImage): PixelValues {
    return this.#numbers(resizeRgb(image, this.edge, this.edge, this.#config.resample));
  }

  #numbers({ data: samples }: RgbImage): PixelValues {
    const pixelCount = this.edge * this.edge;
    const data = new Float32Array(3 * pixelCount);
    for (const [channel, levels] of this.#levels.entries()) {
      for (let i = 0; i < pixelCount; i++) data[channel * pixelCount + i] = levels[samples[i * 3 + channel] ?? 0] ?? 0;
    }
    return { data, height: this.edge, width: this.edge };
  }
}

/** Both sides up to multiples of `edge`; the shorter one from the proportions of the image as it is. */
function gridFor({ height, width }: RgbImage, edge: number): [height: number, width: number] {
  const ratio = width / height;
  const up = (length: number): number => Math.ceil(length / edge) * edge;
  if (width >= height) return [up(Math.trunc(up(width) / ratio)), up(width)];
  return [up(height), up(Math.trunc(up(height) * ratio))];
}

function crop({ data, width }: RgbImage, top: number, left: number, edge: number): RgbImage {
  const cropped = new Uint8Array(edge * edge * 3);
  for (let row = 0; row < edge; row++) {
    const from = ((top + row) * width + left) * 3;
    cropped.set(data.subarray(from, from + edge * 3), row * edge * 3);
  }
  return { data: cropped, height: edge, width: edge };
}

/** transformers 5 nests the image processor's config in the processor's; a nested one wins there and here. */
async function findConfig(folder: string): Promise<{ readonly value: unknown; readonly where: string }> {
  const processor = checkFields(
    z.looseObject({ image_processor: z.unknown().optional() }),
    (await readJsonFile(folder, 'processor_config.json')) ?? {},
    join(folder, 'processor_config.json'),
  );
  if (processor.image_processor !== undefined)
    return { value: processor.image_processor, where: join(folder, 'processor_config.json') };
  return {
    value: await requireJsonFile(folder, 'preprocessor_config.json'),
    where: join(folder, 'preprocessor_config.json'),
  };
}

/** The 256 values a sample can become, in float32 arithmetic and in torchvision's order of operations. */
function levelTable(
  { do_rescale, rescale_factor, do_normalize, image_mean, image_std }: Config,
  channel: number,
): Float32Array {
  const scale = do_rescale ? Math.fround(1 / rescale_factor) : 1;
  const mean = Math.fround(Math.fround(image_mean[channel] ?? 0) * scale);
  const deviation = Math.fround(Math.fround(image_std[channel] ?? 1) * scale);
  return Float32Array.from({ length: 256 }, (_, level) => {
    if (do_normalize) return Math.fround(level - mean) / deviation;
    return do_rescale ? level * Math.fround(rescale_factor) : level;
  });
}

/** The longest side becomes `longestEdge`; the other keeps the proportions, made even. */
function sizeFor({ height, width }: RgbImage, longestEdge: number): [height: number, width: number] {
  const ratio = width / height;
  const even = (length: number): number => Math.max(1, length + (length % 2));
  const [h, w] =
    width >= height
      ? [even(Math.trunc(longestEdge / ratio)), longestEdge]
      : [longestEdge, even(Math.trunc(longestEdge * ratio))];
  if (Math.max(h, w) <= longestEdgeMax) return [h, w];
  const scaled = (length: number): number => Math.max(1, Math.trunc(length));
  return w >= h
    ? [scaled(longestEdgeMax / (w / h)), longestEdgeMax]
    : [longestEdgeMax, scaled(longestEdgeMax * (w / h))];
}
