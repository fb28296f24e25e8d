/** The worker's side of pixel-asks.ts: makes the pixels of the prompts that the compute process asks for, and keeps none. */
import pMap from 'p-map';
import type { Prompt } from '../../engine.ts';
import { failureOf, type PixelAnswer, type PixelAsk } from './protocol.ts';
import { isPrompted, mapPrompts, promptsOf } from './packing/request-prompts.ts';

/** Prompts whose pixels are made side by side. */
const promptCountMax = 4;

export class PixelAnswers {
  readonly #calls = new Map<number, readonly Prompt[]>();
  #openCount = 0;
  #progress = 0;

  /** An argument of a call as it is sent: with the sizes of its images, without pixels. */
  detach(callId: number, arg: unknown): unknown {
    if (!isPrompted(arg)) return arg;
    this.#calls.set(callId, promptsOf(arg));
    return mapPrompts(arg, ({ tokenIds, images }) => ({
      tokenIds,
      images: images.map(({ height, width }) => ({ height, width })),
    }));
  }

  forget(callId: number): void {
    this.#calls.delete(callId);
  }

  async answer({ callId, pixelsOf }: PixelAsk): Promise<PixelAnswer> {
    const prompts = this.#calls.get(callId) ?? [];
    this.#openCount++;
    try {
      const pixels = await pMap(
        pixelsOf,
        async (index) => {
          const prompt = prompts[index];
          if (prompt === undefined) return [];
          return 'pixels' in prompt ? await prompt.pixels() : prompt.images;
        },
        { concurrency: promptCountMax },
      );
      return { pixels };
    } catch (error) {
      return { pixelFailure: failureOf(error) };
    } finally {
      this.#openCount--;
      this.#progress++;
    }
  }

  /** Never falls. What is asked for comes from the store, which answers or fails within its own time-outs: waiting advances. */
  progress(): number {
    if (this.#openCount > 0) this.#progress++;
    return this.#progress;
  }
}
