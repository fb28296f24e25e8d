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

export class ImageProcessor {
  /** Height and width of every image that comes out. */
  readonly edge: number;
  readonly #config: Config;
  /** [channel][level] -> value. */
  readonly #levels: readonly Float32Array[];
  readonly #cache: ByteCache<PixelValues>;

  /** Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED. */
  static async load(folder: string, cacheByteLengthMax: number): Promise<ImageProcessor> {
    const { value, where } = await findConfig(folder);
    const config = checkFields(configSchema, value, where);
    const unsupported = (field: string, found: unknown, hint: string): MtrlError =>
      new MtrlError('CHECKPOINT_UNSUPPORTED', `${field} is not supported`, {
        where,
        found: JSON.stringify(found),
        hint,
      });
    if (config.do_image_splitting)
      throw unsupported('do_image_splitting', true, 'set "do_image_splitting": false: one image stands for one tile');
    if (!Object.values<number>(supportedResamples).includes(config.resample)) {
      throw unsupported('resample', config.resample, `use one of ${JSON.stringify(supportedResamples)}`);
    }
    return new ImageProcessor(config, cacheByteLengthMax);
  }

  private constructor(config: Config, cacheByteLengthMax: number) {
    this.#config = config;
    this.edge = config.max_image_size.longest_edge;
    this.#levels = [0, 1, 2].map((channel) => levelTable(config, channel));
    this.#cache = new ByteCache(cacheByteLengthMax);
  }

  /** float32 [3, edge, edge] of a PNG, JPEG, ... file; shared with other callers: not to be written into. Throws IMAGE_UNREADABLE. */
  async process(encoded: Uint8Array): Promise<PixelValues> {
    const digest = sha256(encoded);
    const cached = this.#cache.get(digest);
    if (cached !== undefined) return cached;
    const pixels = this.fromRgb(await decodeImage(encoded, `image ${digest}`));
    this.#cache.set(digest, pixels, pixels.data.byteLength);
    return pixels;
  }

  /** Longest side to `size`, then to a square of `max_image_size` (which does not keep the proportions), then to numbers. */
  fromRgb(image: RgbImage): PixelValues {
    const { do_resize, size, resample } = this.#config;
    const [height, width] = do_resize ? sizeFor(image, size.longest_edge) : [image.height, image.width];
    const resized = resizeRgb(resizeRgb(image, height, width, resample), this.edge, this.edge, resample);
    const pixelCount = this.edge * this.edge;
    const data = new Float32Array(3 * pixelCount);
    for (const [channel, levels] of this.#levels.entries()) {
      for (let i = 0; i < pixelCount; i++)
        data[channel * pixelCount + i] = levels[resized.data[i * 3 + channel] ?? 0] ?? 0;
    }
    return { data, height: this.edge, width: this.edge };
  }
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
