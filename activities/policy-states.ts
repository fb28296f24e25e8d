/**
 * Engines that hold a wanted policy (DESIGN section 5.1). A policy between two snapshots is a snapshot and the records
 * of the steps since; the engine that is nearest to it does only the steps that it lacks, and each of them must give
 * the weights that were recorded, bit by bit.
 */
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { materializeFolder } from '../artifacts/files.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { required } from '../core/assert.ts';
import { MtrlError } from '../core/errors.ts';
import type { Engine } from '../policy/engine.ts';
import type { PolicyState } from './contract.ts';
import type { EnginePool, EngineSlot } from './engine-pool.ts';
import { type Pulse, Waits, whileProgressing } from './heartbeat.ts';
import type { Snapshot } from './snapshot-artifact.ts';
import { addFiles, holdsOptimizer } from './state-files.ts';
import type { StateFolders } from './state-folders.ts';
import type { Runtime } from './step-record.ts';
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
  /** Runtimes, for the message when the two differ. */
  readonly runtime: string;
  readonly recordedRuntime: string;
}

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
  /** Runs what changes the weights: until it has ended well, nobody may take the engine for what it was. */
  readonly change: <T>(update: () => Promise<T>) => Promise<T>;
  /** Says which record the change made, so that the next activity finds it here. */
  readonly became: (key: StateKey) => void;
  /** Writes what is in the engine to local disk, lets `read` have the folder, and keeps it there as the state that `read` names. */
  readonly saved: <T>(read: (folder: string) => Promise<readonly [StateKey, T]>) => Promise<T>;
}

export class PolicyStates {
  readonly #options: PolicyStatesOptions;

  constructor(options: PolicyStatesOptions) {
    this.#options = options;
  }

  /** An engine of any content: for what brings its own weights. */
  async withEmptyEngine<T>(pulse: Pulse, body: (held: HeldEngine) => Promise<T>): Promise<T> {
    return this.#hold(pulse, [], body);
  }

  /** Throws REPLAY_DIVERGED, CHECKPOINT_INVALID, and what the body throws. */
  async withPolicy<T>(
    pulse: Pulse,
    { policy, reference }: { readonly policy: PolicyState; readonly reference?: PolicyState | undefined },
    body: (held: HeldEngine) => Promise<T>,
  ): Promise<T> {
    return this.#hold(pulse, keyOfState(policy), async (held, slot) => {
      await this.#bring(slot, policy, held.waits);
      if (reference) await this.#bringReference(slot, reference.snapshot, held.waits);
      return body(held);
    });
  }

  /** A folder for what passes through, gone afterwards. */
  scratch<T>(body: (folder: string) => Promise<T>): Promise<T> {
    return this.#options.folders.scratch(body);
  }

  async #hold<T>(pulse: Pulse, key: StateKey, body: (held: HeldEngine, slot: EngineSlot) => Promise<T>): Promise<T> {
    const { slot, release } = await this.#options.pool.lease(key);
    const waits = new Waits();
    const watched = {
      progress: () => slot.engine.progress() + waits.progress(),
      kill: () => {
        slot.engine.kill();
      },
    };
    return whileProgressing(pulse, watched, async () => {
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
      const before: StateKey = slot.resident ?? [];
      slot.resident = undefined;
      const replayed = await this.#options.replay({
        engine: slot.engine,
        snapshot: policy.snapshot,
        record,
        runtime: runtimeOf(slot),
        bringReference: (snapshot) => this.#bringReference(slot, snapshot, waits),
      });
      if (replayed.weightsDigest !== replayed.recordedDigest) throw diverged(record, replayed);
      slot.resident = [...before, record.sha256];
    }
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
    const nearest = folders.nearest(wanted);
    const key = nearest ?? wanted.slice(0, 1);
    if (!nearest) await waits.for(this.#fetch(policy.snapshot));
    const loaded = await folders.use(key, async (folder) => {
      // Without moments the optimizer starts anew.
      const { engine } = slot;
      slot.info = (await holdsOptimizer(folder)) ? await engine.loadState(folder) : await engine.loadCheckpoint(folder);
      return true;
    });
    if (!loaded) throw new MtrlError('INVARIANT', 'a state that was just fetched is gone');
    slot.resident = key;
  }

  async #bringReference(slot: EngineSlot, snapshot: ArtifactRef, waits: Waits): Promise<void> {
    if (slot.reference === snapshot.sha256) return;
    const { folders } = this.#options;
    if (!folders.holds([snapshot.sha256])) await waits.for(this.#fetch(snapshot));
    slot.reference = undefined;
    await folders.use([snapshot.sha256], (folder) => slot.engine.loadReference(folder));
    slot.reference = snapshot.sha256;
  }

  async #fetch(ref: ArtifactRef): Promise<void> {
    const { store, folders } = this.#options;
    const snapshot = (await store.getJson(ref)) as Snapshot;
    await folders.keep(async (folder) => {
      await materializeFolder(store, snapshot.checkpoint, folder);
      if (snapshot.optimizer) await addFiles(store, snapshot.optimizer, folder);
      return [[ref.sha256], undefined];
    });
  }
}

function runtimeOf({ info }: EngineSlot): Runtime {
  const { backend, runtimeVersion, executionProvider, threadCount, cpuModel } = required(
    info,
    'the engine that says what it is',
  );
  return { backend, runtimeVersion, executionProvider, threadCount, cpuModel };
}

function diverged(record: ArtifactRef, step: ReplayedStep): MtrlError {
  const runtimes =
    step.runtime === step.recordedRuntime ? step.runtime : `${step.recordedRuntime} then, ${step.runtime} now`;
  return new MtrlError('REPLAY_DIVERGED', `step ${String(step.step)} done again gave other weights`, {
    where: record.uri,
    found: `sha256 ${step.weightsDigest}, recorded ${step.recordedDigest} (${runtimes})`,
    hint: 'go on with the runtime and CPU that the record names, or fork from the last snapshot',
  });
}
