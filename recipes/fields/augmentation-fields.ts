/** How training changes pictures (policy/vision/augment.ts). */
import { z } from 'zod';
import { rate } from './scalars.ts';

const spread = rate.default(0);

export const augmentationSchema = z.strictObject({
  cropMin: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe('Crops keep at least this share of both sides, and are resized to the size of the picture.'),
  flip: z.boolean().default(false).describe('Mirrors every other picture, left to right.'),
  brightness: spread.describe('Largest change of the brightness, as a share of it.'),
  contrast: spread.describe('Largest change of the contrast, as a share of it.'),
  saturation: spread.describe(
    'Largest change of the saturation, as a share of it; at 1, colours go from none to twice as strong.',
  ),
  noise: spread.describe('Largest standard deviation of noise, as a share of the range from black to white.'),
});
