import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancelledFailure } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PolicyState } from '../../contract/activities.ts';
import { EnginePool } from '../../pipeline/policies/engine-pool.ts';
import { PolicyStates, type Replay } from '../../pipeline/policies/policy-states.ts';
import type { Snapshot } from '../../pipeline/policies/snapshot-artifact.ts';
import { toFailure } from '../../activities/failure.ts';
import { StateCache, type StateCacheOptions } from '../../pipeline/policies/state-cache.ts';
import { keyOfState } from '../../pipeline/policies/state-key.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { putFolder } from '../../artifacts/store/files.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { required } from '../../core/assert.ts';
import { digestOf } from '../../core/json.ts';
import type { Engine, EngineInfo, StateHandle } from '../../policy/engine.ts';
import { FolderStates } from '../../policy/engines/embedded/folder-states.ts';
import { FakeEngine } from './fake-engine.ts';
import { callerWith } from '../support/caller.ts';

const caller = callerWith();

let root: string;
let store: ArtifactStore;
let engines: FakeEngine[];
let replayed: string[];
let states: PolicyStates;
let initial: PolicyState;
/** Version of the fake runtime in the records; this worker has version 1. */
let recordedVersion = '1';
/** Whether the engines promise bit-exact results. */
let bitExact = true;
const fakeRuntime = { backend: 'fake', executionProvider: 'none', cpuModel: 'fake' };
/** While it is pending, engines do not finish reading a folder. */
let reading: Promise<void>;

/** Waits for `reading` before it reads a folder, like a slow disk. */
class SlowEngine extends FakeEngine {
  override async loadState(state: StateHandle): Promise<EngineInfo> {
    await reading;
    return super.loadState(state);
  }
}

/** A record in these tests holds the addition to the weights and their digest afterwards. */
interface FakeRecord {
  readonly adds: string;
  readonly weightsDigest: string;
}

const replay: Replay = async ({ engine, record }) => {
  const { adds, weightsDigest } = (await store.getJson(record)) as FakeRecord;
  replayed.push(adds);
  await add(engine, adds);
  return {
    step: replayed.length,
    weightsDigest: await engine.weightsDigest(),
    recordedDigest: weightsDigest,
    recordedRuntime: { ...fakeRuntime, runtimeVersion: recordedVersion, threadCount: 64 },
  };
};

/** The fake behind an engine that an activity holds. */
function fakeOf({ closed }: Engine): FakeEngine {
  return required(
    engines.find((engine) => engine.closed === closed),
    'an engine of these tests',
  );
}

async function add(engine: Engine, what: string): Promise<void> {
  const fake = fakeOf(engine);
  fake.weights = [...fake.weights, what];
  await engine.weightsDigest();
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-states-'));
  store = new ArtifactStore(new FolderObjectStore(join(root, 'store')));
  engines = [];
  replayed = [];
  recordedVersion = '1';
  bitExact = true;
  reading = Promise.resolve();
  states = makeStates(1);
  initial = { snapshot: await snapshotOf(['base']), log: [] };
});

afterEach(() => rm(root, { recursive: true, force: true }));

let spoolCount = 0;
function makeStates(engineCount: number, options: StateCacheOptions = {}): PolicyStates {
  const transfer = new FolderStates(store, join(root, `spool-${String(++spoolCount)}`));
  const pool = new EnginePool(engineCount, () => {
    const engine = new SlowEngine(transfer);
    engine.capabilities = { ...engine.capabilities, bitExact };
    engines.push(engine);
    return engine;
  });
  return new PolicyStates({ store, pool, transfer, cache: new StateCache(transfer, options), replay });
}

/** Number of state folders in the spool that have their weights. */
function spooled(): number {
  const spool = join(root, `spool-${String(spoolCount)}`);
  const names = existsSync(spool) ? readdirSync(spool) : [];
  return names.filter((name) => existsSync(join(spool, name, 'model.safetensors'))).length;
}

async function snapshotOf(weights: readonly string[]): Promise<ArtifactRef> {
  const folder = await mkdtemp(join(root, 'checkpoint-'));
  await writeFile(join(folder, 'model.safetensors'), JSON.stringify(weights));
  const checkpoint = await putFolder(store, folder);
  const snapshot: Snapshot = { schema: 1, step: 0, checkpoint, optimizer: null, records: [], previous: null };
  return store.putJson(snapshot);
}

async function recorded(state: PolicyState, weights: readonly string[], adds: string): Promise<PolicyState> {
  const record: FakeRecord = { adds, weightsDigest: digestOf([...weights, adds]) };
  return { snapshot: state.snapshot, log: [...state.log, await store.putJson(record)] };
}

/** A policy whose record names weights that no replay produces. */
async function wrongly({ snapshot }: PolicyState): Promise<PolicyState> {
  return { snapshot, log: [await store.putJson({ adds: 'a', weightsDigest: 'recorded-digest' })] };
}

function weightsOf(policy: PolicyState, from = states): Promise<readonly string[]> {
  return from.withPolicy(caller, { policy }, ({ engine }) => Promise.resolve(fakeOf(engine).weights));
}

/** Makes a step as `optimize` does. */
async function step(policy: PolicyState, adds: string): Promise<PolicyState> {
  return states.withPolicy(caller, { policy }, async ({ engine, change, became }) => {
    const before = fakeOf(engine).weights;
    await change(() => add(engine, adds));
    const next = await recorded(policy, before, adds);
    became(keyOfState(next));
    return next;
  });
}

describe('an engine that holds the requested policy', () => {
  it('is not loaded again for the next step of the same run', async () => {
    const one = await step(initial, 'a');
    const two = await step(one, 'b');
    expect(await weightsOf(two)).toEqual(['base', 'a', 'b']);
    expect(engines[0]?.calls.filter((call) => call.startsWith('load'))).toHaveLength(1);
    expect(replayed).toEqual([]);
  });

  it('is rebuilt on another worker by replaying the log from the snapshot', async () => {
    const two = await step(await step(initial, 'a'), 'b');
    expect(await weightsOf(two, makeStates(1))).toEqual(['base', 'a', 'b']);
    expect(replayed).toEqual(['a', 'b']);
  });

  it('replays only the missing steps', async () => {
    const one = await step(initial, 'a');
    const two = await recorded(one, ['base', 'a'], 'b');
    expect(await weightsOf(two)).toEqual(['base', 'a', 'b']);
    expect(replayed).toEqual(['b']);
  });

  it('goes back to an earlier state on request, as for the retry of a lost completion', async () => {
    const one = await step(initial, 'a');
    await step(one, 'b');
    expect(await weightsOf(one)).toEqual(['base', 'a']);
  });

  it('rebuilds the state after a failed update', async () => {
    const one = await step(initial, 'a');
    const failing = states.withPolicy(caller, { policy: one }, ({ engine, change }) =>
      change(async () => {
        await add(engine, 'half');
        throw new Error('out of memory');
      }),
    );
    await expect(failing).rejects.toThrow('out of memory');
    expect(await weightsOf(one)).toEqual(['base', 'a']);
  });

  it('saves a state on local disk before it loads another, so that no replay is needed later', async () => {
    const one = await step(initial, 'a');
    const other: PolicyState = { snapshot: await snapshotOf(['other']), log: [] };
    expect(await weightsOf(other)).toEqual(['other']);
    expect(await weightsOf(one)).toEqual(['base', 'a']);
    expect(replayed).toEqual([]);
  });

  it('takes its own saved state, though an engine holds the snapshot that it began from', async () => {
    const two = await step(await step(initial, 'a'), 'b');
    expect(await weightsOf(initial)).toEqual(['base']);
    expect(await weightsOf(two)).toEqual(['base', 'a', 'b']);
    expect(replayed).toEqual([]);
  });

  it('stops with REPLAY_DIVERGED and both digests if a replay on the recorded runtime gives other weights', async () => {
    const wrong = await wrongly(initial);
    await expect(weightsOf(wrong)).rejects.toMatchObject({
      code: 'REPLAY_DIVERGED',
      details: { found: expect.stringMatching(/recorded-digest/) as string },
    });
    // The engine is not used for that state afterwards.
    await expect(weightsOf(wrong)).rejects.toMatchObject({ code: 'REPLAY_DIVERGED' });
  });

  it('accepts the replayed weights if the engine does not promise equal bits', async () => {
    bitExact = false;
    states = makeStates(1);
    expect(await weightsOf(await wrongly(initial))).toEqual(['base', 'a']);
    expect(replayed).toEqual(['a']);
  });

  it('leaves a replay from another runtime to a matching worker: retryable, and not recomputed here', async () => {
    recordedVersion = '2';
    const wrong = await wrongly(initial);
    for (const attempt of [1, 2]) {
      const error: unknown = await weightsOf(wrong).catch((caught: unknown) => caught);
      expect(error).toMatchObject({
        code: 'RUNTIME_MISMATCH',
        details: { found: expect.stringMatching(/recorded-digest.*fake 2.* then, fake 1.* now/) as string },
      });
      expect(toFailure(error, attempt)).toMatchObject({ nonRetryable: false, nextRetryDelay: '30s' });
      expect(replayed).toEqual(['a']);
    }
    // A worker with the recorded runtime takes the retry.
    recordedVersion = '1';
    const one = await recorded(initial, ['base'], 'a');
    expect(await weightsOf(one, makeStates(1))).toEqual(['base', 'a']);
  });

  it('is replaced after a crash', async () => {
    const one = await step(initial, 'a');
    engines[0]?.crash();
    await engines[0]?.closed;
    expect(await weightsOf(one)).toEqual(['base', 'a']);
    expect(engines).toHaveLength(2);
  });

  it('is one of several: two runs keep an engine each', async () => {
    states = makeStates(2);
    let first = initial;
    let second: PolicyState = { snapshot: await snapshotOf(['other']), log: [] };
    for (const name of ['a', 'b', 'c']) {
      [first, second] = await Promise.all([step(first, name), step(second, name)]);
    }
    expect(replayed).toEqual([]);
    const loads = engines.flatMap(({ calls }) => calls.filter((call) => call.startsWith('load')));
    expect(loads).toHaveLength(2);
  });

  it('is released after its holder was cancelled', async () => {
    const abort = new AbortController();
    const held = states.withPolicy(
      callerWith({ cancellationSignal: abort.signal }),
      { policy: initial },
      async ({ engine }) => {
        fakeOf(engine).hung = true;
        setTimeout(() => {
          abort.abort(new CancelledFailure('CANCELLED'));
        }, 5);
        await engine.weightsDigest();
      },
    );
    await expect(held).rejects.toMatchObject({ name: 'CancelledFailure' });
    expect(await weightsOf(initial)).toEqual(['base']);
  });
});

describe('cached states', () => {
  let letRead: () => void;
  beforeEach(() => {
    reading = new Promise((resolve) => {
      letRead = resolve;
    });
  });

  it('keep a fetched state until it is read, while two others are being read beyond the limit', async () => {
    states = makeStates(3, { byteLengthMax: 1 });
    const policies = await Promise.all(
      ['one', 'two', 'three'].map(async (name): Promise<PolicyState> => ({
        snapshot: await snapshotOf([name]),
        log: [],
      })),
    );
    const [first, second, third] = policies.map((policy) => weightsOf(policy));
    // All three have fetched their states before any of them is read.
    await Promise.race([third, vi.waitUntil(() => engines.length === 3 && spooled() === 3, { timeout: 300_000 })]);
    letRead();
    expect(await Promise.all([first, second, third])).toEqual([['one'], ['two'], ['three']]);
  });

  it('load a reference that was just fetched, not the previous one', async () => {
    states = makeStates(3, { byteLengthMax: 1 });
    const reference: PolicyState = { snapshot: await snapshotOf(['reference']), log: [] };
    letRead();
    const policy: PolicyState = { snapshot: await snapshotOf(['policy']), log: [] };
    expect(await weightsOf(policy)).toEqual(['policy']);
    reading = new Promise((resolve) => {
      letRead = resolve;
    });
    const snapshots = await Promise.all(['one', 'two'].map((name) => snapshotOf([name])));
    const others = snapshots.map((snapshot) => weightsOf({ snapshot, log: [] }));
    await vi.waitUntil(() => engines.length === 3 && spooled() === 2, { timeout: 300_000 });
    const referenceOf = states.withPolicy(caller, { policy, reference }, ({ engine }) =>
      Promise.resolve(fakeOf(engine).reference),
    );
    expect(await referenceOf).toEqual(['reference']);
    letRead();
    await Promise.all(others);
  });

  it('fetch a state again and replay its steps if its files were removed', async () => {
    letRead();
    const one = await step(initial, 'a');
    const other: PolicyState = { snapshot: await snapshotOf(['other']), log: [] };
    expect(await weightsOf(other)).toEqual(['other']);
    await rm(join(root, `spool-${String(spoolCount)}`), { recursive: true });
    expect(await weightsOf(one)).toEqual(['base', 'a']);
    expect(replayed).toEqual(['a']);
  });

  it('are fetched once if several engines miss them at the same time', async () => {
    states = makeStates(3);
    letRead();
    const fetches = vi.spyOn(store, 'getToFile');
    const found = await Promise.all([1, 2, 3].map(() => weightsOf(initial)));
    expect(found).toEqual([['base'], ['base'], ['base']]);
    expect(fetches).toHaveBeenCalledTimes(1);
  });
});
