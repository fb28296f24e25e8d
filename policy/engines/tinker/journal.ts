/** Requests since the last save, with which a lost policy is made again from it. */
import type { AdamParams, LossInput } from './wire.ts';

type Entry =
  | {
      readonly kind: 'gradient';
      /** Completions of a prompt share its images: encoded, it would take several times the memory. */
      readonly input: LossInput;
      /** Of the encoded input. */
      readonly byteLength: number;
      readonly sha256: string;
    }
  | { readonly kind: 'step'; readonly params: AdamParams };

/** Above either, an engine saves the policy on the server, so that a journal does not grow without bound. */
const updateCountMax = 16;
const byteLengthMax = 128 << 20;

export class Journal {
  #entries: Entry[] = [];

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
  }

  get isFull(): boolean {
    const byteLength = this.#entries.reduce(
      (sum, entry) => sum + (entry.kind === 'gradient' ? entry.byteLength : 0),
      0,
    );
    return this.#entries.filter(({ kind }) => kind === 'step').length >= updateCountMax || byteLength > byteLengthMax;
  }

  /** Gradients that no update has used yet. */
  get openGradients(): readonly Entry[] {
    const lastStep = this.#entries.findLastIndex(({ kind }) => kind === 'step');
    return this.#entries.slice(lastStep + 1);
  }

  /** A save holds all updates, but no gradients. */
  saved(): void {
    this.#entries = [...this.openGradients];
  }
}
