/** Images in prompts: their pixels, and the text that represents them. */
import type { ImageSize, PixelValues } from '../engine.ts';
import type { ImageChange } from '../vision/processed-images.ts';

export interface OutlinedImage {
  /** Tile sizes in pixels, in the order of the tiles' tokens. */
  readonly tiles: readonly ImageSize[];
  /** Text that replaces the image's placeholder in the prompt. */
  readonly text: string;
}

export interface ImagePrompts {
  /** Text that a chat template writes in place of an image. */
  readonly placeholder: string;
  /** Ids of the tokens that only images use. */
  readonly tokenIds: readonly number[];
  /** Token of which an image is one run; absent if images are written otherwise. */
  readonly runTokenId?: number;
  /** Tiles and text of an image, from the size in its file header. Throws IMAGE_UNREADABLE. */
  outline(encoded: Uint8Array): Promise<OutlinedImage>;
  /** Pixels of the tiles, of the changed image if it is to be changed. Throws IMAGE_UNREADABLE. */
  pixels(encoded: Uint8Array, change?: ImageChange): Promise<readonly PixelValues[]>;
}
