/** Images of a dataset's folder: read, hashed and decoded once each, however many rows show them. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { sha256 } from '../../core/json.ts';
import { UnusableRow, type ImageSink } from './reading.ts';

/** Larger pictures are refused before they are decoded. */
const pixelCountMax = 64 * 1024 * 1024;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\s+/g, ' ') : String(error);
}

async function bytesOf(file: string, name: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new UnusableRow('IMAGE_MISSING', `there is no ${name}`);
    throw new UnusableRow('IMAGE_UNREADABLE', `${name}: ${messageOf(error)}`);
  }
}

/** Every pixel is decoded (and thrown away): a header alone does not show that a file is whole. */
async function assertDecodable(bytes: Uint8Array, name: string): Promise<void> {
  try {
    const image = sharp(bytes, { failOn: 'error', limitInputPixels: pixelCountMax });
    await image.resize(8, 8, { fit: 'fill', fastShrinkOnLoad: false }).raw().toBuffer();
  } catch (error) {
    throw new UnusableRow('IMAGE_UNREADABLE', `${name}: ${messageOf(error)}`);
  }
}

export class ImageFolder {
  readonly #folder: string;
  readonly #sink: ImageSink;
  readonly #known = new Map<string, Promise<string>>();

  constructor(folder: string, sink: ImageSink) {
    this.#folder = path.resolve(folder);
    this.#sink = sink;
  }

  /** sha256 of the image's bytes. UnusableRow IMAGE_MISSING or IMAGE_UNREADABLE, for every row that names it. */
  digestOf(name: string): Promise<string> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const digest = this.#load(name);
    this.#known.set(name, digest);
    return digest;
  }

  async #load(name: string): Promise<string> {
    const file = path.resolve(this.#folder, name);
    if (!file.startsWith(this.#folder + path.sep)) {
      throw new UnusableRow('IMAGE_MISSING', `${name} is not inside the image folder`);
    }
    const bytes = await bytesOf(file, name);
    await assertDecodable(bytes, name);
    const digest = sha256(bytes);
    await this.#sink(digest, bytes);
    return digest;
  }
}
