/**
 * Provides engines that hold a wanted policy (DESIGN section 5.1). Between two snapshots, a policy is a snapshot and
 * the records of the steps since. The engine nearest to it replays only the missing steps. If the engine is bit-exact,
 * each replay must reproduce the recorded weights bit for bit.
 */
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { required } from '../../core/assert.ts';
import { isNotFound, MtrlError } from '../../core/errors.ts';
import type { Engine, StateHandle } from '../../policy/engine.ts';
import type { StateTransfer } from '../../policy/engines/engine-service.ts';
import type { PolicyState } from '../../contract/activities.ts';
import type { EnginePool, EngineSlot } from './engine-pool.ts';
import { cancelledBy } from './cancelled-by.ts';
import { type Caller, turn, Waits, whileProgressing } from '../heartbeat.ts';
import { snapshotFormat } from './snapshot-artifact.ts';
import type { StateCache } from './state-cache.ts';
import { describeRuntime, promiseSameBits, type Runtime } from './step-record.ts';
import { commonLength, keyOfState, type StateKey } from './state-key.ts';

/** Replays a recorded step; returns the digest of the resulting weights and the recorded one. */
export type Replay = (replayed: {
  readonly engine: Engine;
  readonly snapshot: ArtifactRef;
  readonly record: ArtifactRef;
  readonly runtime: Runtime;
  /** Loads the KL reference that the step used. */
  readonly bringReference: (snapshot: ArtifactRef) => Promise<void>;
}) => Promise<ReplayedStep>;
export interface ReplayedStep {
  readonly step: number;
  /** Of a step of several updates: the first, 0-based, that gave other weights than recorded. */
  readonly update?: number;
  readonly weightsDigest: string;
  readonly recordedDigest: string;
  readonly recordedRuntime: Runtime;
}

/** Maximum number of remembered records whose replay gave other weights: this worker does not try them again. */
const mismatchCountMax = 64;

export interface PolicyStatesOptions {
  readonly store: ArtifactStore;
  readonly pool: EnginePool;
  readonly transfer: StateTransfer;
  readonly cache: StateCache;
  readonly replay: Replay;
}

/** An engine that holds the wanted policy while the body that received it runs. */
export interface HeldEngine {
  readonly engine: Engine;
  readonly runtime: Runtime;
  /** Wraps waits for the store, so that they count as progress. */
  readonly waits: Waits;
  /** Runs a change of the weights. The engine's state then counts as unknown until `became` or `saved` names it. */
  readonly change: <T>(update: () => Promise<T>) => Promise<T>;
  /** Names the state after a change, so that the next activity finds it in this engine. */
  readonly became: (key: StateKey) => void;
  /** Saves the engine's state, passes it to `read`, and caches it under the key that `read` returns. */
  readonly saved: <T>(read: (state: StateHandle) => Promise<readonly [StateKey, T]>) => Promise<T>;
}

export class PolicyStates {
  readonly #options: PolicyStatesOptions;
  /** Keyed by the record's sha256. */
  readonly #mismatches = new Map<string, MtrlError>();

  constructor(options: PolicyStatesOptions) {
    this.#options = options;
  }

  /** Runs the body on an engine in any state, for work that loads its own weights. */
  async withEmptyEngine<T>(caller: Caller, body: (held: HeldEngine) => Promise<T>): Promise<T> {
    return this.#hold(caller, [], body);
  }

  /** Throws REPLAY_DIVERGED, RUNTIME_MISMATCH, CHECKPOINT_INVALID, and any error of the body. */
  async withPolicy<T>(
    caller: Caller,
    { policy, reference }: { readonly policy: PolicyState; readonly reference?: PolicyState | undefined },
    body: (held: HeldEngine) => Promise<T>,
  ): Promise<T> {
    return this.#hold(caller, keyOfState(policy), async (held, slot) => {
      await this.#bring(slot, policy, held);
      if (reference) await this.#bringReference(slot, reference.snapshot, held);
      return body(held);
    });
  }

  async #hold<T>(caller: Caller, key: StateKey, body: (held: HeldEngine, slot: EngineSlot) => Promise<T>): Promise<T> {
    const { slot, release } = await this.#options.pool.lease(key);
    const waits = new Waits();
    const stopping = new AbortController();
    const watched = {
      progress: () => slot.engine.progress() + waits.progress(),
      stop: (reason: Error) => {
        stopping.abort(reason);
      },
    };
    return whileProgressing(caller, watched, async () => {
      try {
        return await body(this.#heldOf(slot, cancelledBy(stopping.signal, slot.engine), waits), slot);
      } catch (error) {
        if (stopping.signal.aborted) slot.resident = undefined;
        // If the error ended the engine, the pool must learn of it before the engine is released.
        await turn();
        throw error;
      } finally {
        release();
      }
    });
  }

  #heldOf(slot: EngineSlot, engine: Engine, waits: Waits): HeldEngine {
    const { cache, transfer } = this.#options;
    return {
      engine,
      get runtime() {
        return runtimeOf(slot);
      },
      waits,
      change: (update) => {
        slot.resident = undefined;
        return update();
      },
      became: (key) => {
        slot.resident = key;
      },
      saved: async (read) => {
        const state = await engine.saveState();
        try {
          const [key, value] = await read(state);
          await cache.keep(key, state);
          slot.resident = key;
          return value;
        } catch (error) {
          await transfer.discard(state);
          throw error;
        }
      },
    };
  }

  async #bring(slot: EngineSlot, policy: PolicyState, held: HeldEngine): Promise<void> {
    const { engine } = held;
    const wanted = keyOfState(policy);
    const doneLength = commonLength(slot.resident ?? [], wanted);
    const keptLength = this.#options.cache.nearest(wanted)?.length ?? 0;
    // The snapshot that two runs start from is a beginning of both: the other's engine is no reason to replay.
    if (doneLength === 0 || keptLength > doneLength) await this.#load(slot, policy, held);
    const doneCount = (slot.resident ?? []).length;
    for (const record of policy.log.slice(doneCount - 1)) {
      const mismatch = this.#mismatches.get(record.sha256);
      if (mismatch) throw mismatch;
      const before: StateKey = slot.resident ?? [];
      slot.resident = undefined;
      const runtime = runtimeOf(slot);
      const replayed = await this.#options.replay({
        engine,
        snapshot: policy.snapshot,
        record,
        runtime,
        bringReference: (snapshot) => this.#bringReference(slot, snapshot, held),
      });
      const isSame = replayed.weightsDigest === replayed.recordedDigest;
      if (engine.capabilities.bitExact && !isSame) throw this.#differing(record, replayed, runtime);
      slot.resident = [...before, record.sha256];
    }
  }

  #differing(record: ArtifactRef, replayed: ReplayedStep, runtime: Runtime): MtrlError {
    if (promiseSameBits(runtime, replayed.recordedRuntime)) return diverged(record, replayed);
    const mismatch = mismatched(record, replayed, runtime);
    this.#mismatches.set(record.sha256, mismatch);
    const [oldest] = this.#mismatches.keys();
    if (oldest !== undefined && this.#mismatches.size > mismatchCountMax) this.#mismatches.delete(oldest);
    return mismatch;
  }

  /**
   * Loads the longest earlier state in the cache, else the snapshot from the store. The engine's previous state is
   * cached first if only a replay could restore it.
   */
  async #load(slot: EngineSlot, policy: PolicyState, { engine, waits }: HeldEngine): Promise<void> {
    const { cache } = this.#options;
    const left = slot.resident;
    if (left !== undefined && left.length > 1 && !cache.holds(left)) await cache.keep(left, await engine.saveState());
    const wanted = keyOfState(policy);
    slot.resident = undefined;
    slot.reference = undefined;
    slot.resident = await this.#loaded(
      () => cache.nearest(wanted) ?? wanted.slice(0, 1),
      policy.snapshot,
      waits,
      async (state) => {
        // A state without moments starts with a new optimizer state.
        slot.info = await engine.loadState(state);
      },
    );
  }

  async #bringReference(slot: EngineSlot, snapshot: ArtifactRef, { engine, waits }: HeldEngine): Promise<void> {
    if (slot.reference === snapshot.sha256) return;
    slot.reference = undefined;
    await this.#loaded(
      () => [snapshot.sha256],
      snapshot,
      waits,
      (state) => engine.loadReference(state),
    );
    slot.reference = snapshot.sha256;
  }

  /**
   * Calls `load` with the nearest cached state, or with the snapshot after fetching it. A cached state that has been
   * lost (its folder was cleared, its server restarted empty) is dropped, and the next nearest is taken.
   */
  async #loaded(
    nearest: () => StateKey,
    snapshot: ArtifactRef,
    waits: Waits,
    load: (state: StateHandle) => Promise<void>,
  ): Promise<StateKey> {
    const { cache } = this.#options;
    for (;;) {
      const key = nearest();
      const isKept = cache.holds(key);
      const { state, release } = await waits.for(cache.pin(key, () => this.#fetch(snapshot)));
      try {
        await load(state);
        return key;
      } catch (error) {
        if (!isKept || !isNotFound(error)) throw error;
        await cache.drop(key);
      } finally {
        await release();
      }
    }
  }

  async #fetch(ref: ArtifactRef): Promise<StateHandle> {
    const { store, transfer } = this.#options;
    const { checkpoint, optimizer } = await store.getDocument(ref, snapshotFormat);
    return transfer.fetch({ checkpoint, optimizer });
  }
}

function runtimeOf({ info }: EngineSlot): Runtime {
  const { backend, runtimeVersion, executionProvider, threadCount, cpuModel } = required(
    info,
    'the engine that says what it is',
  );
  return { backend, runtimeVersion, executionProvider, threadCount, cpuModel };
}

function diverged(
  record: ArtifactRef,
  { weightsDigest, recordedDigest, recordedRuntime, ...step }: ReplayedStep,
): MtrlError {
  return new MtrlError('REPLAY_DIVERGED', `the replay of ${nameOf(step)} on the same runtime gave other weights`, {
    where: record.uri,
    found: `sha256 ${weightsDigest}, recorded ${recordedDigest} (${describeRuntime(recordedRuntime)})`,
    hint: 'check the memory and the processor of this machine, or fork from the last snapshot',
  });
}

function mismatched(
  record: ArtifactRef,
  { weightsDigest, recordedDigest, recordedRuntime, ...step }: ReplayedStep,
  runtime: Runtime,
): MtrlError {
  const runtimes = `${describeRuntime(recordedRuntime)} then, ${describeRuntime(runtime)} now`;
  return new MtrlError('RUNTIME_MISMATCH', `the replay of ${nameOf(step)} on another runtime gave other weights`, {
    where: record.uri,
    found: `sha256 ${weightsDigest}, recorded ${recordedDigest} (${runtimes})`,
    hint: 'it is retried so that a worker with the recorded runtime can take it; start one, or fork from the last snapshot',
  });
}

function nameOf({ step, update }: Pick<ReplayedStep, 'step' | 'update'>): string {
  return `step ${String(step)}${update === undefined ? '' : `, update ${String(update)},`}`;
}
