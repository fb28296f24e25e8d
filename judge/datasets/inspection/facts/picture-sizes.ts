/** Sizes of some pictures: how large they are, and whether they can be read. */
import sharp from 'sharp';
import { startsLikeImage } from '../../sources/encoded-image.ts';

const measuredMax = 24;

export class PictureSizes {
  measuredCount = 0;
  unreadableCount = 0;
  /** Longest edge in pixels; 0 before a picture has been measured. */
  edgeMax = 0;

  get isEnough(): boolean {
    return this.measuredCount + this.unreadableCount >= measuredMax;
  }

  async add(bytes: Uint8Array): Promise<void> {
    if (this.isEnough) return;
    try {
      if (!startsLikeImage(bytes)) throw new Error('no picture of a format that is read');
      const { width, height } = await sharp(bytes).metadata();
      this.measuredCount++;
      this.edgeMax = Math.max(this.edgeMax, width, height);
    } catch {
      this.unreadableCount++;
    }
  }
}
