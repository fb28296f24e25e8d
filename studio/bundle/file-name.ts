/** The file of a bundle that holds the answer at an address: the pages compute it as the writer did. */
export function fileOf(path: string): string {
  return `${digestOf(path)}.js`;
}

/** FNV-1a, 64 bits, over UTF-16 code units: a name, and no proof of anything. */
function digestOf(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) {
    hash ^= BigInt(text.charCodeAt(i));
    hash = BigInt.asUintN(64, hash * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}
