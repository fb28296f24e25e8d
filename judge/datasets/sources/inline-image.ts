/** Images inside a row's text: data URIs, and base64 alone, as labelling tools and chat logs write them. */
import { startsLikeImage } from './encoded-image.ts';

/** Shorter text is a name: no picture has so few bytes. */
const base64LengthMin = 64;

/** The bytes of the image; undefined for text that is none, such as a file name. */
export function inlineImage(text: string): Uint8Array | undefined {
  const [head] = /^\s*data:[^,]*;base64,/i.exec(text) ?? [];
  if (head !== undefined) return Buffer.from(text.slice(head.length), 'base64');
  if (text.length < base64LengthMin || !/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return startsLikeImage(bytes) ? bytes : undefined;
}
