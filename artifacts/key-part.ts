/** Any text as a part of an object key, and back: ids and names of tasks may contain any character, keys may not. */

export function keyPart(text: string): string {
  return encodeURIComponent(text).replace(/[%!'()*~]/g, (sign) => `=${sign.charCodeAt(0).toString(16)}`);
}

export function textOfKeyPart(part: string): string {
  return decodeURIComponent(
    part.replace(/=([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16))),
  );
}
