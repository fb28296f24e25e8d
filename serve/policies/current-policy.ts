/**
 * The policy that new requests are answered with. Of a promoted name, another version is brought into an engine first
 * and then takes over: requests that have arrived before keep the policy that they began with.
 */
import type { Logger } from 'pino';
import type { ServedPolicy, Wanted } from './served-policy.ts';

export interface CurrentPolicyOptions {
  /** What is to be served now. */
  readonly find: () => Promise<Wanted>;
  readonly bring: (wanted: Wanted) => Promise<ServedPolicy>;
  readonly log: Logger;
}

export class CurrentPolicy {
  readonly #options: CurrentPolicyOptions;
  #served: ServedPolicy;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;

  private constructor(options: CurrentPolicyOptions, served: ServedPolicy) {
    this.#options = options;
    this.#served = served;
  }

  static async open(options: CurrentPolicyOptions): Promise<CurrentPolicy> {
    return new CurrentPolicy(options, await options.bring(await options.find()));
  }

  get served(): ServedPolicy {
    return this.#served;
  }

  /** Looks for another version every so often. What fails is logged, and tried again. */
  watch(everyMs: number): void {
    this.#timer = setInterval(() => void this.look(), everyMs);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { find, bring, log } = this.#options;
    try {
      const wanted = await find();
      if (wanted.version === this.#served.version) return;
      this.#served = await bring(wanted);
      log.info({ name: wanted.name, version: wanted.version }, 'another version is served');
    } catch (error) {
      log.warn({ err: error }, 'the promoted version cannot be read; the one before is served');
    } finally {
      this.#isLooking = false;
    }
  }
}
