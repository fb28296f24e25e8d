/**
 * Fetches pixels in the compute process. An engine request contains only the sizes of its images; a call's pixels are
 * requested just before it is computed, in messages of bounded size, one at a time.
 */
import type { DeferredPrompt, PixelValues } from '../../engine.ts';
import { pixelByteLength } from '../pixel-byte-length.ts';
import { type PixelAnswer, type PixelAsk, revive } from './protocol.ts';
import { isPrompted, mapPrompts } from './packing/request-prompts.ts';

/** Limit for a message with several prompts. A message is in memory twice during transfer. */
const messageByteLengthMax = 64 << 20;

interface Wanted {
  readonly callId: number;
  readonly index: number;
  readonly byteLength: number;
  readonly resolve: (pixels: readonly PixelValues[]) => void;
  readonly reject: (error: Error) => void;
}

export class PixelAsks {
  readonly #send: (ask: PixelAsk) => void;
  readonly #waiting: Wanted[] = [];
  #asked: readonly Wanted[] = [];

  constructor(send: (ask: PixelAsk) => void) {
    this.#send = send;
  }

  /** Returns an argument of a call in which prompts request their pixels on demand. */
  attach(callId: number, arg: unknown): unknown {
    if (!isPrompted(arg)) return arg;
    return mapPrompts(arg, ({ tokenIds, images }, index): DeferredPrompt => {
      return { tokenIds, images, pixels: () => this.#want(callId, index, images) };
    });
  }

  receive(answer: PixelAnswer): void {
    const asked = this.#asked;
    this.#asked = [];
    asked.forEach(({ resolve, reject }, i) => {
      if ('pixels' in answer) resolve(answer.pixels[i] ?? []);
      else reject(revive(answer.pixelFailure));
    });
    this.#ask();
  }

  #want(callId: number, index: number, images: DeferredPrompt['images']): Promise<readonly PixelValues[]> {
    if (images.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ callId, index, byteLength: pixelByteLength(images), resolve, reject });
      // Deferred, because the other prompts of the call request their pixels in the same turn of the event loop.
      queueMicrotask(() => {
        this.#ask();
      });
    });
  }

  #ask(): void {
    const [first] = this.#waiting;
    if (first === undefined || this.#asked.length > 0) return;
    let byteLength = 0;
    const end = this.#waiting.findIndex((wanted, i) => {
      byteLength += wanted.byteLength;
      return wanted.callId !== first.callId || (i > 0 && byteLength > messageByteLengthMax);
    });
    this.#asked = this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
    this.#send({ callId: first.callId, pixelsOf: this.#asked.map(({ index }) => index) });
  }
}
