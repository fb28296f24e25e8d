/** Images that a judge is trained on and tested with: counted and listed, because a score on them means less. */
import type { Example } from '../example.ts';

export interface Leak {
  readonly sha256: string;
  /** Ids of all examples that show the image. */
  readonly examples: readonly string[];
}

/** Images shown both by a training example and by one of another split, of any tasks; in order of digest. */
export function findLeaks(examples: readonly Example[]): Leak[] {
  const trained = new Set<string>();
  const held = new Set<string>();
  for (const { images, split } of examples) {
    for (const digest of images) (split === 'train' ? trained : held).add(digest);
  }
  const showing = new Map(
    [...trained].filter((digest) => held.has(digest)).map((digest): [string, string[]] => [digest, []]),
  );
  for (const { id, images } of showing.size > 0 ? examples : []) {
    for (const digest of new Set(images)) showing.get(digest)?.push(id);
  }
  return [...showing].sort(([a], [b]) => (a < b ? -1 : 1)).map(([sha256, ids]) => ({ sha256, examples: ids }));
}
