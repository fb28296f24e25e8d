/** Images in a format that chat services take. */
import sharp from 'sharp';

export interface WebImage {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

const kinds: readonly (readonly [mediaType: string, start: RegExp])[] = [
  ['image/png', /^\x89PNG/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8/],
  ['image/webp', /^RIFF[^]{4}WEBP/],
];

/** The file as it is if it is a PNG, JPEG, GIF or WebP; any other format that ingestion takes as PNG. */
export async function webImage(bytes: Uint8Array): Promise<WebImage> {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(16, bytes.byteLength)).toString('latin1');
  const mediaType = kinds.find(([, pattern]) => pattern.test(start))?.[0];
  if (mediaType !== undefined) return { mediaType, bytes };
  return { mediaType: 'image/png', bytes: await sharp(bytes).png().toBuffer() };
}
