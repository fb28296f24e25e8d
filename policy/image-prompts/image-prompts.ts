/** Images in prompts: their pixels, and the text that represents them. */
import type { ImageSize, PixelValues } from '../engine.ts';
import type { ImageChange } from '../vision/processed-images.ts';

export interface OutlinedImage {
  /** Tile sizes in pixels, in the order of the tiles' tokens. */
  readonly tiles: readonly ImageSize[];
  /** Text that replaces the image's placeholder in the prompt. */
  readonly text: string;
}

interface SentImages {
  readonly tokenId: number;
  /** The image as a PNG or JPEG file. Throws IMAGE_UNREADABLE. */
  file(encoded: Uint8Array): Promise<Uint8Array>;
}

export interface ImagePrompts {
  /** Text that a chat template writes in place of an image. */
  readonly placeholder: string;
  /** Ids of the tokens that only images use. */
  readonly tokenIds: readonly number[];
  /** For servers that process images themselves: present if an image is one run of one token. */
  readonly sent?: SentImages;
  /** Tiles and text of an image, from the size in its file header. Throws IMAGE_UNREADABLE. */
  outline(encoded: Uint8Array): Promise<OutlinedImage>;
  /** Pixels of the tiles, of the changed image if it is to be changed. Throws IMAGE_UNREADABLE. */
  pixels(encoded: Uint8Array, change?: ImageChange): Promise<readonly PixelValues[]>;
}
