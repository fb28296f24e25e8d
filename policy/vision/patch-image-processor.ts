/**
 * Converts encoded images to pixel values of whole patches, keeping the aspect ratio, like `Qwen2VLImageProcessor`
 * (Pillow backend).
 */
import { z } from 'zod';
import { MtrlError } from '../../core/errors.ts';
import type { ImageSize, PixelValues } from '../engine.ts';
import { type ImageChange, ProcessedImages } from './processed-images.ts';
import { type LevelTables, levelTables, pixelValues, readProcessorConfig, sharedFields } from './processor-config.ts';
import { resizeRgb, supportedResamples } from './resample.ts';
import type { RgbImage } from './rgb-image.ts';

const count = z.int().min(1);

const configSchema = z.looseObject({
  ...sharedFields({
    resample: supportedResamples.bicubic,
    mean: [0.48145466, 0.4578275, 0.40821073],
    deviation: [0.26862954, 0.26130258, 0.27577711],
  }),
  /** Pixel counts, not edge lengths, despite the names. */
  size: z
    .looseObject({ shortest_edge: count.default(56 * 56), longest_edge: count.default(28 * 28 * 1280) })
    .prefault({}),
  min_pixels: count.nullish(),
  max_pixels: count.nullish(),
  patch_size: count.default(14),
  temporal_patch_size: count.default(2),
  merge_size: count.default(2),
});
type Config = z.infer<typeof configSchema>;

/** Largest ratio of the longer side to the shorter side. */
const aspectRatioMax = 200;

export class PatchImageProcessor {
  readonly patchSize: number;
  readonly mergeSize: number;
  readonly frameCount: number;
  readonly #config: Config;
  readonly #levels: LevelTables;
  readonly #images: ProcessedImages<PixelValues>;

  /** Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED. */
  static async load(folder: string, cacheByteLengthMax: number): Promise<PatchImageProcessor> {
    return new PatchImageProcessor(await readProcessorConfig(folder, configSchema), cacheByteLengthMax);
  }

  private constructor(config: Config, cacheByteLengthMax: number) {
    this.#config = config;
    this.patchSize = config.patch_size;
    this.mergeSize = config.merge_size;
    this.frameCount = config.temporal_patch_size;
    this.#levels = levelTables(config);
    this.#images = new ProcessedImages(
      cacheByteLengthMax,
      (image, where) => this.fromRgb(image, where),
      ({ data }) => data.byteLength,
    );
  }

  /** Processes a PNG, JPEG, ... file. Callers share the result and must not modify it. Throws IMAGE_UNREADABLE. */
  process(encoded: Uint8Array, change?: ImageChange): Promise<PixelValues> {
    return this.#images.of(encoded, change);
  }

  fromRgb(image: RgbImage, where = 'image'): PixelValues {
    const { height, width } = this.sizeOf(image, where);
    const { do_resize, resample } = this.#config;
    return pixelValues(do_resize ? resizeRgb(image, height, width, resample) : image, this.#levels);
  }

  /** Size to which an image of this size is processed. Throws IMAGE_UNREADABLE. */
  sizeOf(image: ImageSize, where = 'image'): ImageSize {
    checkAspectRatio(image, where);
    const { do_resize, size, min_pixels, max_pixels } = this.#config;
    if (!do_resize) return { height: image.height, width: image.width };
    const [height, width] = sizeFor(image, {
      edge: this.patchSize * this.mergeSize,
      pixelCountMin: min_pixels ?? size.shortest_edge,
      pixelCountMax: max_pixels ?? size.longest_edge,
    });
    return { height, width };
  }
}

function checkAspectRatio({ height, width }: ImageSize, where: string): void {
  if (Math.max(height, width) <= aspectRatioMax * Math.min(height, width)) return;
  throw new MtrlError('IMAGE_UNREADABLE', 'the image is too narrow for the image processor', {
    where,
    found: `${String(width)}x${String(height)} pixels`,
    hint: `one side may be at most ${String(aspectRatioMax)} times as long as the other`,
  });
}

interface Limits {
  /** Edge of which both sides become multiples, in pixels. */
  readonly edge: number;
  readonly pixelCountMin: number;
  readonly pixelCountMax: number;
}

/** `smart_resize` of transformers. */
function sizeFor({ height, width }: ImageSize, { edge, pixelCountMin, pixelCountMax }: Limits): [number, number] {
  const rounded = [height, width].map((side) => roundHalfToEven(side / edge) * edge) as [number, number];
  const area = rounded[0] * rounded[1];
  if (area > pixelCountMax) {
    const shrink = Math.sqrt((height * width) / pixelCountMax);
    const down = (side: number): number => Math.max(edge, Math.floor(side / shrink / edge) * edge);
    return [down(height), down(width)];
  }
  if (area >= pixelCountMin) return rounded;
  const grow = Math.sqrt(pixelCountMin / (height * width));
  const up = (side: number): number => Math.ceil((side * grow) / edge) * edge;
  return [up(height), up(width)];
}

/** Rounds half to even, as Python does. */
function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}
