/** Converts encoded images to the vision tower's pixel values, like `Idefics3ImageProcessor` (Pillow backend). */
import { z } from 'zod';
import type { ImageSize, PixelValues } from '../engine.ts';
import { type ImageChange, ProcessedImages } from './processed-images.ts';
import { type LevelTables, levelTables, pixelValues, readProcessorConfig, sharedFields } from './processor-config.ts';
import { resizeRgb, supportedResamples } from './resample.ts';
import type { RgbImage } from './rgb-image.ts';

const edge = z.object({ longest_edge: z.int().min(1) });

const configSchema = z.looseObject({
  ...sharedFields({ resample: supportedResamples.lanczos, mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] }),
  size: edge.default({ longest_edge: 4 * 364 }),
  do_image_splitting: z.boolean().default(true),
  max_image_size: edge.default({ longest_edge: 364 }),
});
type Config = z.infer<typeof configSchema>;

/** Largest edge in pixels that transformers allows, whatever `size` says. */
const longestEdgeMax = 4096;

/** Grid of an image's tiles; 0 by 0 if the image is not split. */
export interface TileGrid {
  readonly rowCount: number;
  readonly columnCount: number;
}

/** Input of the vision tower for one image. */
export interface TiledImage extends TileGrid {
  /** Tiles row by row, then the whole image; only the whole image if it is not split. */
  readonly tiles: readonly PixelValues[];
}

export class ImageProcessor {
  /** Height and width of every tile, in pixels. */
  readonly edge: number;
  readonly #config: Config;
  readonly #levels: LevelTables;
  readonly #images: ProcessedImages<TiledImage>;

  /** Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED. */
  static async load(folder: string, cacheByteLengthMax: number): Promise<ImageProcessor> {
    return new ImageProcessor(await readProcessorConfig(folder, configSchema), cacheByteLengthMax);
  }

  private constructor(config: Config, cacheByteLengthMax: number) {
    this.#config = config;
    this.edge = config.max_image_size.longest_edge;
    this.#levels = levelTables(config);
    this.#images = new ProcessedImages(
      cacheByteLengthMax,
      (image) => this.fromRgb(image),
      ({ tiles }) => tiles.reduce((sum, { data }) => sum + data.byteLength, 0),
    );
  }

  /** Processes a PNG, JPEG, ... file. Callers share the result and must not modify it. Throws IMAGE_UNREADABLE. */
  process(encoded: Uint8Array, change?: ImageChange): Promise<TiledImage> {
    return this.#images.of(encoded, change);
  }

  /**
   * Resizes the longest side to `size`, then the image to a square of `max_image_size`, which does not keep the aspect
   * ratio. If images are split, it is resized to multiples of that edge and cut into tiles, followed by the square.
   * Tiles are float32 [3, edge, edge].
   */
  fromRgb(image: RgbImage): TiledImage {
    const { resample, do_image_splitting } = this.#config;
    const sized = resizeRgb(image, ...this.#sizeOf(image), resample);
    if (!do_image_splitting) return { tiles: [this.#whole(sized)], rowCount: 0, columnCount: 0 };
    const grid = resizeRgb(sized, ...gridFor(sized, this.edge), resample);
    const { rowCount, columnCount } = this.gridOf(image);
    if (rowCount === 0) return { tiles: [this.#numbers(grid)], rowCount: 0, columnCount: 0 };
    const tiles = Array.from({ length: rowCount * columnCount }, (_, i) =>
      this.#numbers(crop(grid, Math.floor(i / columnCount) * this.edge, (i % columnCount) * this.edge, this.edge)),
    );
    return { tiles: [...tiles, this.#whole(grid)], rowCount, columnCount };
  }

  /** Tile grid of an image of this size; its pixels are not needed. */
  gridOf(image: ImageSize): TileGrid {
    if (!this.#config.do_image_splitting) return { rowCount: 0, columnCount: 0 };
    const [height, width] = this.#sizeOf(image);
    const [rowCount, columnCount] = gridFor({ height, width }, this.edge).map((side) => side / this.edge) as [
      number,
      number,
    ];
    return rowCount === 1 && columnCount === 1 ? { rowCount: 0, columnCount: 0 } : { rowCount, columnCount };
  }

  #sizeOf(image: ImageSize): [height: number, width: number] {
    const { do_resize, size } = this.#config;
    return do_resize ? sizeFor(image, size.longest_edge) : [image.height, image.width];
  }

  #whole(image: RgbImage): PixelValues {
    return this.#numbers(resizeRgb(image, this.edge, this.edge, this.#config.resample));
  }

  #numbers(image: RgbImage): PixelValues {
    return pixelValues(image, this.#levels);
  }
}

/** Rounds both sides up to multiples of `edge`; the shorter one follows from the image's own aspect ratio. */
function gridFor({ height, width }: ImageSize, edge: number): [height: number, width: number] {
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

/** Size with the longest side `longestEdge`; the other side keeps the aspect ratio, rounded up to an even number. */
function sizeFor({ height, width }: ImageSize, longestEdge: number): [height: number, width: number] {
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
