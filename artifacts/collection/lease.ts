/**
 * A lease in the store, not age, protects the writes of an unfinished activity from a garbage collection:
 * `leases/<process>.json`, one per process, holds the start of the process's oldest open activity. It exists before the
 * first byte is written and is renewed while the process lives. A collection keeps everything younger than the start of
 * any lease, and ignores a lease that has not been renewed for minutes: its process is considered dead.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { MtrlError } from '../../core/errors.ts';
import { youngMs } from '../store/age.ts';
import { isRecord, jsonBytes, parseJsonBytes } from '../codecs/json-value.ts';
import type { ObjectStore } from '../store/object-store.ts';

const leasesPrefix = 'leases/';
const renewedEveryMs = 60_000;
/** By the store's clock: a collection ignores and deletes older leases. */
const deadAfterMs = 5 * 60_000;
/** By this process's clocks: a lease not renewed for this long may soon be considered dead. */
const lostAfterMs = 4 * 60_000;
/** Delay before a released lease is deleted: activities follow each other within milliseconds. */
const lingerMsDefault = 1_000;
/** The store's clock is known to within a second plus the latency of a response. */
const clockSlackMs = 5_000;

export interface StoreLeaseOptions {
  readonly lingerMs?: number;
}

export class StoreLease {
  readonly #objects: ObjectStore;
  readonly #key = `${leasesPrefix}${hostname().replace(/[^\w-]/g, '-')}-${String(process.pid)}-${randomUUID()}.json`;
  readonly #lingerMs: number;
  /** Start of each open holder, by the store's clock. */
  readonly #startsMs = new Map<symbol, number>();
  /** The last request for the lease; requests are serialized. */
  #last: Promise<unknown> = Promise.resolve();
  #renewed: Moment | undefined;
  /** Number of times that the lease may have been considered dead while it was held. */
  #lossCount = 0;
  #renewal: NodeJS.Timeout | undefined;
  #linger: NodeJS.Timeout | undefined;

  constructor(objects: ObjectStore, { lingerMs = lingerMsDefault }: StoreLeaseOptions = {}) {
    this.#objects = objects;
    this.#lingerMs = lingerMs;
  }

  /**
   * Runs the body under the lease. `requireHeld` throws LEASE_LOST (retryable) if the process was suspended or the
   * store was unreachable for so long that writes since the start may have been collected.
   */
  async hold<T>(body: (requireHeld: () => void) => Promise<T>): Promise<T> {
    const holder = Symbol('holder');
    clearTimeout(this.#linger);
    this.#startsMs.set(holder, (await this.#objects.timeMs()) - clockSlackMs);
    try {
      await this.#serially(async () => {
        if (this.#renewed === undefined || this.#isLost()) await this.#write();
      });
      const lossCount = this.#lossCount;
      return await body(() => {
        if (this.#lossCount !== lossCount || this.#isLost()) throw lost(this.#objects.uriOf(this.#key));
      });
    } finally {
      this.#startsMs.delete(holder);
      if (this.#startsMs.size === 0) this.#lingerThenRemove();
    }
  }

  /** Deletes the lease when the process ends; no body may be running. */
  async close(): Promise<void> {
    clearTimeout(this.#linger);
    await this.#remove();
  }

  async #write(): Promise<void> {
    if (this.#renewed !== undefined && this.#isLost()) this.#lossCount++;
    const asked = moment();
    const sinceMs = Math.min(...this.#startsMs.values());
    await this.#objects.put(this.#key, jsonBytes({ schema: 1, host: hostname(), pid: process.pid, sinceMs }));
    this.#renewed = asked;
    this.#renewal ??= setInterval(() => {
      this.#renew();
    }, renewedEveryMs).unref();
  }

  /** Ignores failures: the next renewal repairs them, or `requireHeld` detects them. */
  #renew(): void {
    this.#serially(async () => {
      if (this.#startsMs.size > 0) await this.#write();
    }).catch(() => undefined);
  }

  #lingerThenRemove(): void {
    clearTimeout(this.#linger);
    this.#linger = setTimeout(() => {
      // A lease left behind is considered dead after some minutes.
      this.#remove().catch(() => undefined);
    }, this.#lingerMs).unref();
  }

  #remove(): Promise<void> {
    return this.#serially(async () => {
      if (this.#startsMs.size > 0 || this.#renewed === undefined) return;
      clearInterval(this.#renewal);
      this.#renewal = undefined;
      this.#renewed = undefined;
      await this.#objects.remove([this.#key]);
    });
  }

  #isLost(): boolean {
    if (this.#renewed === undefined) return true;
    const now = moment();
    // Checks both: the monotonic clock stops while the machine sleeps, and the wall clock may be changed.
    return now.upMs - this.#renewed.upMs > lostAfterMs || now.wallMs - this.#renewed.wallMs > lostAfterMs;
  }

  #serially<T>(request: () => Promise<T>): Promise<T> {
    const next = this.#last.then(request, request);
    this.#last = next.catch(() => undefined);
    return next;
  }
}

interface Moment {
  readonly upMs: number;
  readonly wallMs: number;
}

function moment(): Moment {
  return { upMs: performance.now(), wallMs: Date.now() };
}

/**
 * Time, by the store's clock, since which writes may belong to an unfinished activity; Infinity if no lease is live. An
 * activity does not touch objects that it finds fresh (age.ts), so the time is moved back by that span.
 */
export async function leasedSinceMs(objects: ObjectStore, { removeDead }: { removeDead: boolean }): Promise<number> {
  let sinceMs = Infinity;
  const dead: string[] = [];
  const nowMs = await objects.timeMs();
  for await (const { key, modifiedAtMs } of objects.list(leasesPrefix)) {
    if (modifiedAtMs < nowMs - deadAfterMs) {
      dead.push(key);
      continue;
    }
    const bytes = await objects.get(key);
    if (bytes === undefined) continue;
    sinceMs = Math.min(sinceMs, startIn(bytes) ?? -Infinity);
  }
  if (removeDead) await objects.remove(dead);
  return sinceMs - youngMs / 2;
}

/** Start time in a lease; undefined for the format of another version, which may protect anything. */
function startIn(bytes: Uint8Array): number | undefined {
  const lease = parseJsonBytes(bytes);
  return isRecord(lease) && typeof lease['sinceMs'] === 'number' ? lease['sinceMs'] : undefined;
}

function lost(where: string): MtrlError {
  return new MtrlError('LEASE_LOST', 'the activity was suspended for longer than the lease on its writes', {
    where,
    found: `no renewal for ${String(lostAfterMs / 60_000)} minutes`,
    hint: 'the activity is retried; if this recurs, find out why the worker is suspended or the store is unreachable for so long',
  });
}
