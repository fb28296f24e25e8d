/** Shared by the image processors: finding their config, and converting 8-bit samples to the vision tower's values. */
import { join } from 'node:path';
import { z } from 'zod';
import { MtrlError } from '../../core/errors.ts';
import { checkFields, readJsonFile, requireJsonFile } from '../checkpoint-file.ts';
import type { PixelValues } from '../engine.ts';
import { supportedResamples } from './resample.ts';
import type { RgbImage } from './rgb-image.ts';

const perChannel = z.array(z.number()).length(3);

/** Fields common to all processors; the caller gives the defaults that differ. */
export const sharedFields = (defaults: {
  readonly resample: number;
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}) => ({
  do_resize: z.boolean().default(true),
  resample: z.int().default(defaults.resample),
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  do_normalize: z.boolean().default(true),
  image_mean: perChannel.default([...defaults.mean]),
  image_std: perChannel.default([...defaults.deviation]),
});
export type SharedConfig = z.infer<z.ZodObject<ReturnType<typeof sharedFields>>>;

/**
 * Reads the folder's image processor config. transformers 5 nests it in the processor config; a nested one takes
 * precedence, as in transformers. Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED.
 */
export async function readProcessorConfig<T extends SharedConfig>(folder: string, schema: z.ZodType<T>): Promise<T> {
  const { value, where } = await findConfig(folder);
  const config = checkFields(schema, value, where);
  if (Object.values<number>(supportedResamples).includes(config.resample)) return config;
  throw new MtrlError('CHECKPOINT_UNSUPPORTED', 'resample is not supported', {
    where,
    found: String(config.resample),
    hint: `use one of ${JSON.stringify(supportedResamples)}`,
  });
}

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

/** [channel][level] -> value. */
export type LevelTables = readonly Float32Array[];

/** The 256 values that a sample can have, in float32 arithmetic and in torchvision's order of operations. */
export function levelTables(config: SharedConfig): LevelTables {
  const { do_rescale, rescale_factor, do_normalize, image_mean, image_std } = config;
  return [0, 1, 2].map((channel) => {
    const scale = do_rescale ? Math.fround(1 / rescale_factor) : 1;
    const mean = Math.fround(Math.fround(image_mean[channel] ?? 0) * scale);
    const deviation = Math.fround(Math.fround(image_std[channel] ?? 1) * scale);
    return Float32Array.from({ length: 256 }, (_, level) => {
      if (do_normalize) return Math.fround(level - mean) / deviation;
      return do_rescale ? level * Math.fround(rescale_factor) : level;
    });
  });
}

/** Converts samples [height, width, 3] to values [3, height, width]. */
export function pixelValues({ data: samples, height, width }: RgbImage, tables: LevelTables): PixelValues {
  const pixelCount = height * width;
  const data = new Float32Array(3 * pixelCount);
  for (const [channel, levels] of tables.entries()) {
    for (let i = 0; i < pixelCount; i++) data[channel * pixelCount + i] = levels[samples[i * 3 + channel] ?? 0] ?? 0;
  }
  return { data, height, width };
}
