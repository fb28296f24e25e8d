/** Worker side of pixel-asks.ts: computes the pixels that the compute process requests, and stores none. */
import pMap from 'p-map';
import type { Prompt } from '../../engine.ts';
import { failureOf, type PixelAnswer, type PixelAsk } from './protocol.ts';
import { isPrompted, mapPrompts, promptsOf } from './packing/request-prompts.ts';

/** Number of prompts whose pixels are computed concurrently. */
const promptCountMax = 4;

export class PixelAnswers {
  readonly #calls = new Map<number, readonly Prompt[]>();
  #openCount = 0;
  #progress = 0;

  /** Returns an argument of a call in the form to send: with image sizes instead of pixels. */
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

  /**
   * Monotonic counter. It also grows while a request is open: images come from the store, which replies or fails within
   * its own timeouts.
   */
  progress(): number {
    if (this.#openCount > 0) this.#progress++;
    return this.#progress;
  }
}
