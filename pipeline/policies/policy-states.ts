/**
 * Engines that hold a wanted policy (DESIGN section 5.1). A policy between two snapshots is a snapshot and the records
 * of the steps since; the engine that is nearest to it does only the steps that it lacks, and each of them must give
 * the weights that were recorded, bit by bit.
 */
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { materializeFolder } from '../../artifacts/store/files.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import type { Engine } from '../../policy/engine.ts';
import type { PolicyState } from '../../contract/activities.ts';
import type { EnginePool, EngineSlot } from './engine-pool.ts';
import { type Caller, Waits, whileProgressing } from '../heartbeat.ts';
import type { Snapshot } from './snapshot-artifact.ts';
import { addFiles, holdsOptimizer } from './state-files.ts';
import type { StateFolders } from './state-folders.ts';
import { describeRuntime, promiseSameBits, type Runtime } from './step-record.ts';
import { commonLength, keyOfState, type StateKey } from './state-key.ts';

/** Does a recorded step again and says what weights came out, and what were recorded. */
export type Replay = (replayed: {
  readonly engine: Engine;
  readonly snapshot: ArtifactRef;
  readonly record: ArtifactRef;
  readonly runtime: Runtime;
  /** Loads the KL reference that the step was made with. */
  readonly bringReference: (snapshot: ArtifactRef) => Promise<void>;
}) => Promise<ReplayedStep>;
export interface ReplayedStep {
  readonly step: number;
  readonly weightsDigest: string;
  readonly recordedDigest: string;
  readonly recordedRuntime: Runtime;
}

/** Records whose replay gave other weights here, the newest ones: their replay is not tried again on this worker. */
const mismatchCountMax = 64;

export interface PolicyStatesOptions {
  readonly store: ArtifactStore;
  readonly pool: EnginePool;
  readonly folders: StateFolders;
  readonly replay: Replay;
}

/** An engine that holds the wanted policy, for as long as the body that got it runs. */
export interface HeldEngine {
  readonly engine: Engine;
  readonly runtime: Runtime;
  /** Wraps the waits for the store, which count as progress. */
  readonly waits: Waits;
  /** Runs a change of the weights: until it has succeeded, the engine's state counts as unknown. */
  readonly change: <T>(update: () => Promise<T>) => Promise<T>;
  /** Says which record the change made, so that the next activity finds it here. */
  readonly became: (key: StateKey) => void;
  /** Writes the engine's state to local disk, passes the folder to `read`, and keeps it there as the state that `read` returns. */
  readonly saved: <T>(read: (folder: string) => Promise<readonly [StateKey, T]>) => Promise<T>;
}

export class PolicyStates {
  readonly #options: PolicyStatesOptions;
  /** By the record's digest. */
  readonly #mismatches = new Map<string, MtrlError>();

  constructor(options: PolicyStatesOptions) {
    this.#options = options;
  }

  /** An engine of any content: for what brings its own weights. */
  async withEmptyEngine<T>(caller: Caller, body: (held: HeldEngine) => Promise<T>): Promise<T> {
    return this.#hold(caller, [], body);
  }

  /** Throws REPLAY_DIVERGED, RUNTIME_MISMATCH, CHECKPOINT_INVALID, and what the body throws. */
  async withPolicy<T>(
    caller: Caller,
    { policy, reference }: { readonly policy: PolicyState; readonly reference?: PolicyState | undefined },
    body: (held: HeldEngine) => Promise<T>,
  ): Promise<T> {
    return this.#hold(caller, keyOfState(policy), async (held, slot) => {
      await this.#bring(slot, policy, held.waits);
      if (reference) await this.#bringReference(slot, reference.snapshot, held.waits);
      return body(held);
    });
  }

  /** A folder for what passes through, gone afterwards. */
  scratch<T>(body: (folder: string) => Promise<T>): Promise<T> {
    return this.#options.folders.scratch(body);
  }

  async #hold<T>(caller: Caller, key: StateKey, body: (held: HeldEngine, slot: EngineSlot) => Promise<T>): Promise<T> {
    const { slot, release } = await this.#options.pool.lease(key);
    const waits = new Waits();
    const watched = {
      progress: () => slot.engine.progress() + waits.progress(),
      kill: () => {
        slot.engine.kill();
      },
    };
    return whileProgressing(caller, watched, async () => {
      try {
        return await body(this.#heldOf(slot, waits), slot);
      } finally {
        release();
      }
    });
  }

  #heldOf(slot: EngineSlot, waits: Waits): HeldEngine {
    const { folders } = this.#options;
    return {
      engine: slot.engine,
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
        const [key, value] = await folders.keep(async (folder) => {
          await slot.engine.saveState(folder);
          return read(folder);
        });
        slot.resident = key;
        return value;
      },
    };
  }

  async #bring(slot: EngineSlot, policy: PolicyState, waits: Waits): Promise<void> {
    const wanted = keyOfState(policy);
    const resident = slot.resident ?? [];
    if (commonLength(resident, wanted) === 0) await this.#load(slot, policy, waits);
    const doneCount = (slot.resident ?? []).length;
    for (const record of policy.log.slice(doneCount - 1)) {
      const mismatch = this.#mismatches.get(record.sha256);
      if (mismatch) throw mismatch;
      const before: StateKey = slot.resident ?? [];
      slot.resident = undefined;
      const runtime = runtimeOf(slot);
      const replayed = await this.#options.replay({
        engine: slot.engine,
        snapshot: policy.snapshot,
        record,
        runtime,
        bringReference: (snapshot) => this.#bringReference(slot, snapshot, waits),
      });
      if (replayed.weightsDigest !== replayed.recordedDigest) throw this.#differing(record, replayed, runtime);
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

  /** The longest earlier state on local disk, else the snapshot from the store. What is in the engine is kept if only a replay could bring it back. */
  async #load(slot: EngineSlot, policy: PolicyState, waits: Waits): Promise<void> {
    const { folders } = this.#options;
    const left = slot.resident;
    if (left !== undefined && left.length > 1 && !folders.holds(left)) {
      await folders.keep(async (folder) => {
        await slot.engine.saveState(folder);
        return [left, undefined];
      });
    }
    const wanted = keyOfState(policy);
    slot.resident = undefined;
    slot.reference = undefined;
    const key = folders.nearest(wanted) ?? wanted.slice(0, 1);
    const fetch = (folder: string): Promise<void> => this.#fetch(policy.snapshot, folder);
    const { folder, release } = await waits.for(folders.pin(key, fetch));
    try {
      const { engine } = slot;
      // Without moments the optimizer starts from a fresh state.
      slot.info = (await holdsOptimizer(folder)) ? await engine.loadState(folder) : await engine.loadCheckpoint(folder);
    } finally {
      await release();
    }
    slot.resident = key;
  }

  async #bringReference(slot: EngineSlot, snapshot: ArtifactRef, waits: Waits): Promise<void> {
    if (slot.reference === snapshot.sha256) return;
    const fetch = (folder: string): Promise<void> => this.#fetch(snapshot, folder);
    const { folder, release } = await waits.for(this.#options.folders.pin([snapshot.sha256], fetch));
    slot.reference = undefined;
    try {
      await slot.engine.loadReference(folder);
    } finally {
      await release();
    }
    slot.reference = snapshot.sha256;
  }

  async #fetch(ref: ArtifactRef, folder: string): Promise<void> {
    const { store } = this.#options;
    const snapshot = (await store.getJson(ref)) as Snapshot;
    await materializeFolder(store, snapshot.checkpoint, folder);
    if (snapshot.optimizer) await addFiles(store, snapshot.optimizer, folder);
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
  { step, weightsDigest, recordedDigest, recordedRuntime }: ReplayedStep,
): MtrlError {
  return new MtrlError('REPLAY_DIVERGED', `the replay of step ${String(step)} on the same runtime gave other weights`, {
    where: record.uri,
    found: `sha256 ${weightsDigest}, recorded ${recordedDigest} (${describeRuntime(recordedRuntime)})`,
    hint: 'check the memory and the processor of this machine, or fork from the last snapshot',
  });
}

function mismatched(
  record: ArtifactRef,
  { step, weightsDigest, recordedDigest, recordedRuntime }: ReplayedStep,
  runtime: Runtime,
): MtrlError {
  const runtimes = `${describeRuntime(recordedRuntime)} then, ${describeRuntime(runtime)} now`;
  return new MtrlError('RUNTIME_MISMATCH', `the replay of step ${String(step)} on another runtime gave other weights`, {
    where: record.uri,
    found: `sha256 ${weightsDigest}, recorded ${recordedDigest} (${runtimes})`,
    hint: 'it is retried so that a worker with the recorded runtime can take it; start one, or fork from the last snapshot',
  });
}
