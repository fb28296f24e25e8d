import { join } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import type { ImageReader } from '../models/architecture.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { ImagePrompts } from './image-prompts.ts';
import { loadPatchPrompts } from './patch-prompts.ts';
import { TiledPrompts } from './tiled-prompts.ts';

/** Selects by the model's image form. Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED naming file and field. */
export async function loadImagePrompts(
  folder: string,
  reader: ImageReader,
  tokenizer: Tokenizer,
  cacheByteLengthMax: number,
): Promise<ImagePrompts> {
  const { form } = reader;
  const prompts =
    form.kind === 'square'
      ? await TiledPrompts.load(folder, form, tokenizer, cacheByteLengthMax)
      : await loadPatchPrompts(folder, form, tokenizer, cacheByteLengthMax);
  checkImageToken(folder, reader, tokenizer.requireId(prompts.placeholder));
  return prompts;
}

function checkImageToken(folder: string, { tokenId }: ImageReader, found: number): void {
  if (found === tokenId) return;
  throw new MtrlError('CHECKPOINT_INVALID', 'field image_token_id does not fit tokenizer.json', {
    where: join(folder, 'config.json'),
    found: String(tokenId),
    hint: `the image token has id ${String(found)}`,
  });
}
