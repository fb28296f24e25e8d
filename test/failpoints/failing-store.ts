/** A store in front of another one that lets one request of a protocol fail. */
import { MtrlError } from '../../core/errors.ts';
import type { ObjectStore } from '../../artifacts/store/object-store.ts';

/** What happens at a request. */
export type Failpoint =
  /** The process ends before it: neither this request nor any later one is made, and nothing is cleaned up. */
  | 'killed'
  /** The store applies it, and its answer is lost. */
  | 'answer lost'
  /** Its answer is lost and it is sent again, as clients do: the answer is that of the second one. */
  | 'sent twice'
  /** Another attempt at the same work does all of it before this request is made. */
  | 'overtaken';

type Method = keyof ObjectStore;

const conditionalWrites = ['putIfAbsent', 'putIfMatch'] as const;
const writes = [...conditionalWrites, 'put', 'putStream', 'touch', 'remove'] as const;

/**
 * The requests at which each is tried. Only writes change a store, so that being killed before a read is being killed
 * after the last write. What a conditional write depends on is read by `getTagged`.
 */
const methodsOf: Readonly<Record<Failpoint, readonly Method[]>> = {
  killed: writes,
  'answer lost': writes,
  'sent twice': conditionalWrites,
  overtaken: [...writes, 'getTagged', 'list'],
};

export const failpoints = Object.keys(methodsOf) as readonly Failpoint[];

export interface FailingOptions {
  readonly failpoint: Failpoint;
  /** Number of the request at which it happens, among those at which it is tried. */
  readonly at: number;
  /** Makes the other attempt. */
  readonly overtake: () => Promise<unknown>;
  /** More requests before which the process is killed: of a protocol that writes elsewhere between them. */
  readonly killedAtToo: readonly Method[];
}

export class FailingStore {
  readonly objects: ObjectStore;
  /** The requests so far at which it could have happened, by their methods. */
  readonly passed: Method[] = [];
  /** Resolves when the process is killed. */
  readonly killed: Promise<void>;
  #end: () => void = () => undefined;
  #isKilled = false;

  constructor(target: ObjectStore, { failpoint, at, overtake, killedAtToo }: FailingOptions) {
    const methods = [...methodsOf[failpoint], ...(failpoint === 'killed' ? killedAtToo : [])];
    this.killed = new Promise((resolve) => {
      this.#end = resolve;
    });
    const around = async (name: Method, request: () => Promise<unknown>): Promise<unknown> => {
      const isMet = methods.includes(name) && this.passed.push(name) - 1 === at;
      if (isMet && failpoint === 'killed') this.#isKilled = true;
      if (this.#isKilled) {
        this.#end();
        return new Promise(() => undefined);
      }
      if (isMet && failpoint === 'overtaken') await overtake();
      const answer = await request();
      if (isMet && failpoint === 'answer lost') throw new MtrlError('STORE_UNREACHABLE', 'the answer was lost');
      return isMet && failpoint === 'sent twice' ? request() : answer;
    };
    this.objects = new Proxy(target, {
      get(_, name: Method): unknown {
        if (name === 'remove')
          // A request each: a client may be killed between two batches.
          return async (keys: readonly string[]) => {
            for (const key of keys) await around(name, () => target.remove([key]));
          };
        if (name === 'list')
          return async function* (...place: Parameters<ObjectStore['list']>) {
            await around(name, () => Promise.resolve());
            yield* target.list(...place);
          };
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        const bound = member.bind(target) as (...args: unknown[]) => unknown;
        if (name === 'uriOf' || name === 'keyOf') return bound;
        return (...args: unknown[]) => around(name, () => bound(...args) as Promise<unknown>);
      },
    });
  }
}
