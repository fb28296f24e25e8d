/** Encodes a dataset's examples as prompts for a policy. Prompts and pixels are cached up to a byte limit. */
import { ByteCache } from '../../../core/byte-cache.ts';
import { digestOf } from '../../../core/json.ts';
import { Rng } from '../../../core/rng.ts';
import type { ArtifactRef } from '../../../artifacts/ref.ts';
import type { AnswerMode, Example } from '../../../judge/example.ts';
import { markedTarget } from '../../../judge/tasks/completion.ts';
import type { DeferredPrompt, PixelValues } from '../../../policy/engine.ts';
import { pixelByteLength } from '../../../policy/engines/pixel-byte-length.ts';
import { augment } from '../../../policy/vision/augment.ts';
import type { ImageChange } from '../../../policy/vision/processed-images.ts';
import { type OpenDataset, openDataset } from '../../data/dataset-artifact.ts';
import { imageBytes } from '../../data/image-table.ts';
import type { JsonCache } from '../../json-cache.ts';
import type { LoadedProcessor } from '../../policies/processors.ts';
import { type PromptEncoder, promptEncoder } from './prompt-encoder.ts';
import { byteLengthOf } from './prompt-series.ts';
import { taskOf } from '../../recipe-access.ts';
import type { DrawnAugmentation, Prompting } from '../../policies/step-record.ts';

const tokenByteLengthMax = 32 << 20;
const pixelByteLengthMax = 128 << 20;

export class Prompter {
  readonly #cache: JsonCache;
  readonly #encoded = new ByteCache<DeferredPrompt>(tokenByteLengthMax);
  readonly #pixels = new ByteCache<readonly PixelValues[]>(pixelByteLengthMax);

  constructor(cache: JsonCache) {
    this.#cache = cache;
  }

  async #pixelsOf(key: string, prompt: DeferredPrompt): Promise<readonly PixelValues[]> {
    const known = this.#pixels.get(key);
    if (known) return known;
    const pixels = await prompt.pixels();
    this.#pixels.set(key, pixels, pixelByteLength(prompt.images));
    return pixels;
  }

  async open(loaded: LoadedProcessor, dataset: ArtifactRef, prompting: Prompting): Promise<PromptedDataset> {
    const opened = await openDataset(this.#cache, dataset);
    const scope = digestOf([loaded.digest, dataset.sha256, promptingDigest(prompting)]);
    const { artifact } = opened;
    const { encodeChanged, ...encoder } = promptEncoder(loaded, prompting, (digest) =>
      imageBytes(this.#cache, artifact, digest),
    );
    const encode = async (example: Example, mode: AnswerMode, drawn?: DrawnStep): Promise<DeferredPrompt> => {
      const asked = { example, spec: taskOf(prompting, example.task), isBlank: false };
      const changes = changesOf(example, drawn);
      if (changes !== undefined) return encodeChanged(asked, mode, changes);
      const key = `${scope}/${mode}/${example.id}`;
      const known = this.#encoded.get(key);
      if (known) return known;
      const made = await encodeChanged(asked, mode);
      const encoded = { ...made, pixels: () => this.#pixelsOf(key, made) };
      this.#encoded.set(key, encoded, byteLengthOf(encoded));
      return encoded;
    };
    return {
      ...encoder,
      dataset: opened,
      encode,
      target: (example, mode) =>
        loaded.processor.encodeCompletion(markedTarget(example, mode, taskOf(prompting, example.task).verdictFormat)),
    };
  }
}

/** A step's draw of changes. */
export interface DrawnStep {
  readonly augmentation?: DrawnAugmentation | undefined;
  readonly step: number;
}

/** One for each picture; the same in whatever order the pictures are shown. */
function changesOf({ id, task, images }: Example, drawn?: DrawnStep): readonly ImageChange[] | undefined {
  const by = drawn?.augmentation?.tasks[task];
  if (drawn?.augmentation === undefined || by === undefined) return undefined;
  const { step, augmentation } = drawn;
  return images.map((digest) => (image) => {
    return augment(image, by, new Rng('augmentation', augmentation.seed, step, id, digest));
  });
}

export interface PromptedDataset extends Omit<PromptEncoder, 'encodeChanged'> {
  readonly dataset: OpenDataset;
  /** With the changes that a training step draws for the example's pictures; those prompts are not cached. */
  encode(example: Example, mode: AnswerMode, drawn?: DrawnStep): Promise<DeferredPrompt>;
  /** Token ids of the completion that supervised training teaches, including the stop token. */
  target(example: Example, mode: AnswerMode): readonly number[];
}

/** Cache of digests: a run uses few Prompting objects, each many times. */
const digests = new WeakMap<Prompting, string>();

function promptingDigest(prompting: Prompting): string {
  const known = digests.get(prompting);
  if (known !== undefined) return known;
  const digest = digestOf({ ...prompting, tasks: { ...prompting.tasks }, modeWords: { ...prompting.modeWords } });
  digests.set(prompting, digest);
  return digest;
}
