/**
 * Images that rows refer to by file name. Each is read and decoded once while it is cached, however many rows show it.
 */
import { ByteCache } from '../../../core/byte-cache.ts';
import { imageByteLengthMax, takeImage } from './encoded-image.ts';
import { UnusableRow, type StoredImages, type TakenImage } from '../reading.ts';
import { placeInside, readBytes, type SourceFile, type SourceFiles } from './source-files.ts';

/** Cache for images that wait for their row's turn, and for later rows that show them. */
const rememberedByteLengthMax = 128 * 1024 * 1024;

/** Reads an image file. UnusableRow IMAGE_TOO_LARGE before any byte is read. */
export async function takeImageFile(file: SourceFile, name: string, edgeMax?: number): Promise<TakenImage> {
  if (file.byteLength > imageByteLengthMax)
    throw new UnusableRow('IMAGE_TOO_LARGE', `${name}: ${file.byteLength} bytes, more than ${imageByteLengthMax}`);
  return takeImage(await readBytes(file), name, edgeMax);
}

export class ImageFolder {
  readonly #folder: string;
  readonly #files: SourceFiles;
  readonly #stored: StoredImages;
  readonly #edgeMax: number | undefined;
  readonly #digests = new Map<string, string>();
  readonly #recent = new ByteCache<TakenImage>(rememberedByteLengthMax);
  readonly #coming = new Map<string, Promise<TakenImage>>();

  constructor(folder: string, files: SourceFiles, stored: StoredImages, edgeMax?: number) {
    this.#folder = folder;
    this.#files = files;
    this.#stored = stored;
    this.#edgeMax = edgeMax;
  }

  /** Takes an image. UnusableRow IMAGE_MISSING, IMAGE_UNREADABLE or IMAGE_TOO_LARGE, for every row that names it. */
  async take(name: string): Promise<TakenImage> {
    const digest = this.#digests.get(name);
    // a stored image needs no bytes
    if (digest !== undefined && this.#stored.has(digest)) return { sha256: digest };
    const recent = this.#recent.get(name) ?? this.#coming.get(name);
    if (recent !== undefined) return recent;
    const coming = this.#load(name).finally(() => this.#coming.delete(name));
    this.#coming.set(name, coming);
    return coming;
  }

  /**
   * Names of the files below one of its folders, in the order of the numbers in them. UnusableRow IMAGE_MISSING if there is
   * none, PROMPT_INVALID for more than `countMax`.
   */
  async imagesIn(name: string, countMax: number): Promise<string[]> {
    const place = this.#placeOf(name);
    if ((await this.#files.kindOf(place)) !== 'folder')
      throw new UnusableRow('IMAGE_MISSING', `${name} is not a folder of the image folder`);
    const names: string[] = [];
    for await (const file of this.#files.list(place)) {
      names.push(`${name}${file.name.slice(place.length)}`);
      if (names.length > countMax)
        throw new UnusableRow('PROMPT_INVALID', `the folder ${name} has more than ${countMax} images`);
    }
    if (names.length === 0) throw new UnusableRow('IMAGE_MISSING', `the folder ${name} is empty`);
    return names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  }

  #placeOf(name: string): string {
    const place = placeInside(this.#folder, name);
    if (place === undefined) throw new UnusableRow('IMAGE_MISSING', `${name} is not inside the image folder`);
    return place;
  }

  async #load(name: string): Promise<TakenImage> {
    const place = this.#placeOf(name);
    const kind = await this.#files.kindOf(place);
    if (kind === 'folder') throw new UnusableRow('IMAGE_UNREADABLE', `${name} is a folder`);
    const file = await this.#files.find(place);
    if (file === undefined) throw new UnusableRow('IMAGE_MISSING', `${name} does not exist`);
    const image = await takeImageFile(file, name, this.#edgeMax);
    this.#digests.set(name, image.sha256);
    this.#recent.set(name, image, image.bytes?.byteLength ?? 0);
    return image;
  }
}
