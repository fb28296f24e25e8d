/**
 * Writes images like `Qwen3VLProcessor` of transformers: one token per merged patch, between tokens that the chat
 * template writes.
 */
import { join } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import type { ImageForm } from '../models/architecture.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { PatchImageProcessor } from '../vision/patch-image-processor.ts';
import { asPngOrJpeg } from '../vision/png-or-jpeg.ts';
import { imageSizeOf } from '../vision/rgb-image.ts';
import type { ImagePrompts } from './image-prompts.ts';

type PatchForm = Extract<ImageForm, { kind: 'patches' }>;

/** Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED naming file and field. */
export async function loadPatchPrompts(
  folder: string,
  form: PatchForm,
  tokenizer: Tokenizer,
  cacheByteLengthMax: number,
): Promise<ImagePrompts> {
  const processor = await PatchImageProcessor.load(folder, cacheByteLengthMax);
  checkForm(folder, form, processor);
  const { specialTokens } = tokenizer;
  const image = specialTokens.image_token ?? '<|image_pad|>';
  const around = [
    specialTokens.vision_start_token ?? '<|vision_start|>',
    specialTokens.vision_end_token ?? '<|vision_end|>',
    specialTokens.video_token ?? '<|video_pad|>',
  ];
  const edge = form.patchSize * form.mergeSize;
  return {
    placeholder: image,
    tokenIds: [image, ...around].map((token) => tokenizer.requireId(token)),
    sent: { tokenId: tokenizer.requireId(image), file: asPngOrJpeg },
    async outline(encoded) {
      const tile = processor.sizeOf(await imageSizeOf(encoded));
      return { tiles: [tile], text: image.repeat((tile.height / edge) * (tile.width / edge)) };
    },
    pixels: async (encoded, change) => [await processor.process(encoded, change)],
  };
}

/** Checks that the image processor's fields agree with config.json. */
function checkForm(folder: string, form: PatchForm, processor: PatchImageProcessor): void {
  const fields = [
    ['patch_size', processor.patchSize, form.patchSize, 'patch_size'],
    ['merge_size', processor.mergeSize, form.mergeSize, 'spatial_merge_size'],
    ['temporal_patch_size', processor.frameCount, form.frameCount, 'temporal_patch_size'],
  ] as const;
  for (const [field, found, wanted, ofTower] of fields) {
    if (found === wanted) continue;
    throw new MtrlError('CHECKPOINT_INVALID', `field ${field} of the image processor does not fit config.json`, {
      where: join(folder, 'preprocessor_config.json'),
      found: String(found),
      hint: `vision_config.${ofTower} is ${String(wanted)}`,
    });
  }
}
