/**
 * Features of the pixel baseline: the grey pixels of all pictures of an example in the order in which they are shown,
 * and the prompt fields with few values ("is this a cat?"), each value as a group of its own.
 */
import { required } from '../../core/assert.ts';
import type { Example } from '../example.ts';
import { greyPixelCount } from './grey-pixels.ts';
import type { Features } from './softmax-regression.ts';

/** A field with more values in the training rows is not used: captions are no groups. */
const fieldValueCountMax = 32;
/** Further pictures of an example are not used. */
const pictureCountMax = 8;

/** Digests of the pictures: those of the context, then those of the candidates in their order. */
export function picturesOf({ images, candidates }: Pick<Example, 'images' | 'candidates'>): readonly string[] {
  if (candidates === undefined) return images;
  const ofCandidates = candidates.flat().flatMap((part) => ('image' in part ? [part.image] : []));
  const context = images.flatMap((_, i) => (ofCandidates.includes(i) ? [] : [i]));
  return [...context, ...ofCandidates].map((i) => required(images[i], 'a picture'));
}

export class PixelFeatures {
  /** The prompt fields that are used. */
  readonly fields: readonly string[];
  readonly pictureCount: number;
  readonly #groupOf: ReadonlyMap<string, number>;

  /** @param examples those of the training */
  constructor(examples: readonly Example[], { withFields = true } = {}) {
    const values = new Map<string, Set<string>>();
    for (const { fields } of withFields ? examples : [])
      for (const [name, value] of Object.entries(fields)) {
        const known = values.get(name) ?? new Set();
        values.set(name, known);
        if (known.size <= fieldValueCountMax) known.add(value);
      }
    const used = [...values].filter(([, { size }]) => size > 1 && size <= fieldValueCountMax).sort();
    this.fields = used.map(([name]) => name).sort();
    const keys = used.flatMap(([name, known]) => [...known].map((value) => keyOf(name, value))).sort();
    this.#groupOf = new Map(keys.map((key, group) => [key, group]));
    this.pictureCount = Math.min(
      pictureCountMax,
      examples.reduce((most, example) => Math.max(most, picturesOf(example).length), 0),
    );
  }

  get groupCount(): number {
    return this.#groupOf.size;
  }

  get vectorLength(): number {
    return this.pictureCount * greyPixelCount;
  }

  /** A picture that is not there is zeros; a value that no training row has is in no group. */
  async of(example: Example, pixelsOf: (digest: string) => Promise<Float32Array>): Promise<Features> {
    const vector = new Float32Array(this.vectorLength);
    for (const [i, digest] of picturesOf(example).slice(0, this.pictureCount).entries())
      vector.set(await pixelsOf(digest), i * greyPixelCount);
    const groups = this.fields.flatMap((name) => this.#groupOf.get(keyOf(name, example.fields[name] ?? '')) ?? []);
    return { vector, groups };
  }
}

const keyOf = (name: string, value: string): string => JSON.stringify([name, value]);
