/** Garbage collection on a folder store, with concurrent work. */
import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { experimentKey } from '../../artifacts/experiments.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { collectGarbage, type GarbageOptions } from '../../artifacts/collection/garbage.ts';
import { jsonBytes } from '../../artifacts/codecs/json-value.ts';
import { walk } from '../../artifacts/lineage.ts';
import { memoize } from '../../artifacts/manifest.ts';
import type { ObjectStore } from '../../artifacts/store/object-store.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { verifyArtifacts } from '../../artifacts/verify.ts';

let root: string;
let objects: FolderObjectStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-gc-'));
  objects = new FolderObjectStore(root);
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Runs two activities, the second on the output of the first; returns the second's output. */
async function work(name: string): Promise<ArtifactRef> {
  const store = new ArtifactStore(objects, { cacheByteLengthMax: 0 });
  const step = async (activity: string, inputs: Readonly<Record<string, ArtifactRef>>): Promise<ArtifactRef> => {
    const of = { activity, codeVersion: 'one', inputs, config: { name }, environment: {} };
    const { manifest } = await memoize(store, of, async () => ({
      outputs: { made: await store.putJson({ name, activity }) },
      summary: {},
      computeMs: 0,
    }));
    const { made } = manifest.outputs;
    if (made === undefined) throw new Error(`${activity} has made nothing`);
    return made;
  };
  return step('optimize', { rollouts: await step('rollout', {}) });
}

async function keys(): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of objects.list('')) found.push(key);
  return found;
}

async function makeOld(): Promise<void> {
  const yesterday = new Date(Date.now() - 24 * 60 * 60_000);
  for (const key of await keys()) await utimes(join(root, key), yesterday, yesterday);
}

function collect(store: ObjectStore, options: Partial<GarbageOptions> = {}) {
  const youngSinceMs = Date.now() - 60_000;
  return collectGarbage(new ArtifactStore(store), {
    ...{ dryRun: false, forgotten: new Set<string>(), youngSinceMs: () => Promise.resolve(youngSinceMs) },
    async *runningRoots() {
      // No workflow is running.
    },
    ...options,
  });
}

/**
 * A store that calls `meanwhile` before its answer number `at`. `head` and `remove` are not intercepted: a write
 * between the last age check and the removal cannot be protected.
 */
function interrupted(at: number, meanwhile: () => Promise<unknown>): { store: ObjectStore; answers: () => number } {
  let count = 0;
  const before = async (): Promise<void> => {
    if (count++ === at) await meanwhile();
  };
  const store = new Proxy<ObjectStore>(objects, {
    get(target, name: keyof ObjectStore): unknown {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      if (['uriOf', 'keyOf', 'head', 'remove'].includes(name)) return member.bind(target) as unknown;
      if (name !== 'list')
        return async (...args: unknown[]) => {
          await before();
          return Reflect.apply(member, target, args) as unknown;
        };
      return async function* (...place: Parameters<ObjectStore['list']>) {
        for await (const entry of target.list(...place)) {
          await before();
          yield entry;
        }
      };
    },
  });
  return { store, answers: () => count };
}

it('deletes unreferenced objects and keeps what an experiment, a promoted name or a running workflow references', async () => {
  const [kept, promoted, running] = [await work('kept'), await work('promoted'), await work('running')];
  await objects.put(experimentKey('kept'), jsonBytes({ policy: kept }));
  await objects.put('promoted/judge.json', jsonBytes({ versions: [promoted] }));
  const before = await keys();
  const forgotten = experimentKey('forgotten');
  await objects.put(forgotten, jsonBytes({ policy: await work('forgotten') }));
  await work('gone');
  await makeOld();
  const { garbage, kinds } = await collect(objects, {
    forgotten: new Set([forgotten]),
    runningRoots: async function* () {
      yield await Promise.resolve({ result: running });
    },
  });
  expect(garbage.objectCount).toBe(8);
  expect(kinds.map(({ kind, count }) => [kind, count]).sort()).toEqual([
    ['manifests', 4],
    ['optimize', 2],
    ['rollout', 2],
  ]);
  expect((await keys()).filter((key) => key !== forgotten)).toEqual(before);
});

it('never deletes what a run finds or writes at any point of the collection', async () => {
  for (let at = 0, answers = 1; at < answers; at++) {
    await work('found again');
    await makeOld();
    let made: ArtifactRef | undefined;
    const other = interrupted(at, async () => {
      made = await work('found again');
    });
    await collect(other.store);
    answers = other.answers();
    expect(made).toBeDefined();
    const { problems } = await verifyArtifacts(new ArtifactStore(objects), made ? [made] : []);
    expect(problems, `interrupted before answer ${String(at)}`).toEqual([]);
    await makeOld();
    await collect(objects);
    expect(await keys()).toEqual([]);
  }
});

it('deletes nothing if the references of a document cannot be read', async () => {
  await objects.put(experimentKey('damaged'), new TextEncoder().encode('{"policy":'));
  await work('perhaps its');
  await makeOld();
  const before = await keys();
  await expect(collect(objects)).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT' });
  expect(await keys()).toEqual(before);
});

/** Inputs and outputs of one activity of a graph; numbers choose among earlier outputs. */
interface MadeNode {
  readonly inputs: readonly number[];
  readonly named: readonly number[];
  /** Whether it is a document without a producer instead of an activity's output. */
  readonly isLoose: boolean;
  /** Whether the output's ref is a copy of the object that the store returned, as after a restart. */
  readonly isCopied: boolean;
  readonly isRoot: boolean;
}

const graph = fc.array(
  fc.record({
    inputs: fc.array(fc.nat(), { maxLength: 3 }),
    named: fc.array(fc.nat(), { maxLength: 3 }),
    isLoose: fc.boolean(),
    isCopied: fc.boolean(),
    isRoot: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);

async function makeGraph(nodes: readonly MadeNode[]): Promise<ArtifactRef[]> {
  const store = new ArtifactStore(objects, { cacheByteLengthMax: 0 });
  const made: ArtifactRef[] = [];
  const chosen = (numbers: readonly number[]): ArtifactRef[] =>
    made.length === 0 ? [] : numbers.flatMap((number) => made[number % made.length] ?? []);
  for (const [i, { inputs, named, isLoose, isCopied }] of nodes.entries()) {
    const content = () => store.putJson({ i, named: chosen(named) });
    if (isLoose) {
      made.push(await content());
      continue;
    }
    const of = { activity: 'make', codeVersion: 'one', inputs: { all: chosen(inputs) }, config: i, environment: {} };
    const { manifest } = await memoize(store, of, async () => ({
      outputs: { made: isCopied ? { ...(await content()) } : await content() },
      summary: {},
      computeMs: 0,
    }));
    made.push(...Object.values(manifest.outputs));
  }
  return made;
}

it('keeps exactly what the roots of any graph reach', async () => {
  await fc.assert(
    fc.asyncProperty(graph, async (nodes) => {
      const made = await makeGraph(nodes);
      const roots = made.filter((_, i) => nodes[i]?.isRoot);
      await objects.put(experimentKey('roots'), jsonBytes({ roots }));
      await makeOld();
      const reached = new Set([experimentKey('roots')]);
      const producers = roots.flatMap(({ producer }) =>
        producer === undefined ? [] : [{ uri: objects.uriOf(producer), sha256: '', byteLength: 0 }],
      );
      const walked = walk(new ArtifactStore(objects), [...roots, ...producers]);
      for await (const { uri } of walked) reached.add(objects.keyOf(uri));
      const all = await keys();
      const planned = await collect(objects, { dryRun: true });
      expect(await keys()).toEqual(all);
      const collected = await collect(objects);
      expect(await keys()).toEqual([...reached].sort());
      expect(planned.garbage).toEqual(collected.garbage);
      expect(collected.kept.objectCount).toBe(reached.size - 1);
      await objects.remove(await keys());
    }),
    { numRuns: 40 },
  );
});

it('reads only the outputs that the manifest does not list as closed', async () => {
  const store = new ArtifactStore(objects, { cacheByteLengthMax: 0 });
  const hidden = await store.putJson('named by an output alone');
  const input = await store.putJson('an input');
  const of = { activity: 'make', codeVersion: 'one', inputs: { input }, config: 0, environment: {} };
  const { manifest } = await memoize(store, of, async () => ({
    outputs: {
      plain: await store.putJson('names nothing'),
      naming: await store.putJson({ input }),
      further: await store.putJson({ hidden }),
      bytes: await store.putBytes(new Uint8Array(10)),
    },
    summary: {},
    computeMs: 0,
  }));
  expect(manifest.closed).toEqual(['plain', 'naming', 'bytes']);
  await objects.put(experimentKey('kept'), jsonBytes(manifest.outputs));
  await makeOld();
  const read: string[] = [];
  const watched = new Proxy<ObjectStore>(objects, {
    get(target, name: keyof ObjectStore): unknown {
      const member: unknown = Reflect.get(target, name);
      if (name !== 'get') return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      return (key: string) => {
        read.push(key);
        return target.get(key);
      };
    },
  });
  const { garbage } = await collect(watched);
  expect(garbage.objectCount).toBe(0);
  const outputs = Object.entries(manifest.outputs).filter(([, ref]) => read.includes(objects.keyOf(ref.uri)));
  expect(outputs.map(([name]) => name)).toEqual(['further']);
});

it('deletes nothing if a referenced manifest cannot be read', async () => {
  const made = await work('damaged');
  await objects.put(experimentKey('kept'), jsonBytes({ policy: made }));
  await objects.put(made.producer ?? '', new TextEncoder().encode('{"inputs":'));
  await makeOld();
  const before = await keys();
  await expect(collect(objects)).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT' });
  expect(await keys()).toEqual(before);
});
