/** Ancestry of an artifact: a tree of everything that it was made from, in which each artifact is expanded once. */
import type { ArtifactStore } from './store/artifact-store.ts';
import pMap from 'p-map';
import { batchesOf } from './store/bounded.ts';
import { isRecord } from './codecs/json-value.ts';
import { checkManifest, type Manifest, readManifest } from './manifest.ts';
import type { ArtifactRef } from './ref.ts';

export interface Ancestry {
  /** Name among the activity's inputs or outputs: `checkpoint`, `rollouts`, ... */
  readonly name: string;
  readonly uri: string;
  readonly sha256: string;
  readonly byteLength: number;
  /** Undefined if no activity made it, if it is expanded elsewhere in the tree, or below `depthMax`. */
  readonly madeBy?: MadeBy;
  /** Set if the artifact is expanded at an earlier occurrence in the tree. */
  readonly isAbove?: true;
}

export interface MadeBy {
  readonly activity: string;
  readonly codeVersion: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Scalar settings: step, seed, mode, ... */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** Digests of the source files that it read, by path. */
  readonly files: Readonly<Record<string, string>>;
  readonly computeMs: number;
  /** Counts and first items of its outputs, by name: rows, images, prompts, ... */
  readonly contents: Readonly<Record<string, Contents>>;
  readonly inputs: readonly Ancestry[];
  /** Number of inputs that are not listed, by name. */
  readonly further: Readonly<Record<string, number>>;
}

/** The number of items, and the first few. */
export interface Contents {
  readonly count: number;
  readonly examples: readonly string[];
}

export interface AncestryOptions {
  readonly depthMax: number;
  /**
   * Maximum number of expanded inputs of one name, such as the steps since a snapshot: the newest are expanded, earlier
   * ones are only named.
   */
  readonly openedCountMax: number;
  /** Summarizes the outputs of an activity, whose format it knows. */
  readonly contentsOf?: (made: Manifest<unknown>) => Promise<Readonly<Record<string, Contents>>>;
}

/** Maximum number of inputs of one name that are listed, expanded or only named. */
const listedCountMax = 200;

/** Manifests read in parallel. */
const readCountMax = 32;

export async function ancestryOf(
  store: ArtifactStore,
  name: string,
  ref: ArtifactRef,
  options: AncestryOptions,
): Promise<Ancestry> {
  return grow(store, name, ref, options, new Set([identityOf(ref)]));
}

async function grow(
  store: ArtifactStore,
  name: string,
  ref: ArtifactRef,
  options: AncestryOptions,
  met: Set<string>,
): Promise<Ancestry> {
  const own = leaf(name, ref);
  if (ref.producer === undefined || options.depthMax === 0) return own;
  const made = await readManifest(store, ref.producer);
  if (made === undefined) return own;
  const { manifest } = made;
  const inputs: Ancestry[] = [];
  const further: Record<string, number> = {};
  const deeper = { ...options, depthMax: options.depthMax - 1 };
  for (const [input, refs] of Object.entries(manifest.inputs)) {
    if ('sha256' in refs) {
      const isAbove = met.has(identityOf(refs));
      met.add(identityOf(refs));
      inputs.push(isAbove ? { ...leaf(input, refs), isAbove } : await grow(store, input, refs, deeper, met));
      continue;
    }
    const listed = refs.filter((each) => !met.has(identityOf(each))).slice(-listedCountMax);
    if (listed.length < refs.length) further[input] = refs.length - listed.length;
    // All members are marked as met before any is expanded, so that the steps since a snapshot form a list and not a
    // chain.
    for (const each of listed) met.add(identityOf(each));
    const firstOpened = listed.length - options.openedCountMax;
    for (const [i, each] of listed.entries())
      inputs.push(i < firstOpened ? await named(store, input, each) : await grow(store, input, each, deeper, met));
  }
  const contents = (await options.contentsOf?.(manifest)) ?? {};
  return { ...own, madeBy: { ...factsOf(manifest), contents, inputs, further } };
}

function leaf(name: string, { uri, sha256, byteLength }: ArtifactRef): Ancestry {
  return { name, uri, sha256, byteLength };
}

/** A node with the activity that made the artifact, without the activity's inputs. */
async function named(store: ArtifactStore, name: string, ref: ArtifactRef): Promise<Ancestry> {
  const made = ref.producer === undefined ? undefined : await readManifest(store, ref.producer);
  return {
    ...leaf(name, ref),
    ...(made && { madeBy: { ...factsOf(made.manifest), contents: {}, inputs: [], further: {} } }),
  };
}

/** Identity of a node; includes the producer, because an artifact made by two activities has two histories. */
function identityOf({ producer = '', sha256 }: ArtifactRef): string {
  return `${producer} ${sha256}`;
}

function factsOf({ activity, codeVersion, environment, config, cost }: Manifest<unknown>) {
  const members = isRecord(config) ? Object.entries(config) : [];
  const single = members.filter((entry): entry is [string, string | number | boolean] =>
    ['string', 'number', 'boolean'].includes(typeof entry[1]),
  );
  const files = isRecord(config) && isRecord(config['files']) ? (config['files'] as Record<string, string>) : {};
  return { activity, codeVersion, environment, settings: Object.fromEntries(single), files, computeMs: cost.computeMs };
}

/** Called with the number of manifests searched so far, and the total number. */
export type OnLook = (lookedAtCount: number, count: number) => void;

/**
 * Finds the ref of an artifact, with its producer, from the key alone. A manifest is written right after its outputs,
 * so manifests are searched in the order of their distance in time, many in parallel, and only those that contain the
 * digest are parsed. Undefined if no manifest has the artifact as an output.
 */
export async function madeAs(
  store: ArtifactStore,
  key: string,
  onLook: OnLook = () => undefined,
): Promise<ArtifactRef | undefined> {
  const madeAtMs = (await store.objects.head(key))?.modifiedAtMs ?? Date.now();
  const places: (readonly [distanceMs: number, place: string])[] = [];
  for await (const entry of store.objects.list('manifests/'))
    places.push([Math.abs(entry.modifiedAtMs - madeAtMs), entry.key]);
  places.sort(([a], [b]) => a - b);
  let adopted: ArtifactRef | undefined;
  let lookedAtCount = 0;
  for await (const nearest of batchesOf(places, readCountMax)) {
    const found = await pMap(nearest, ([, place]) => outputAt(store, place, key), { concurrency: readCountMax });
    for (const ref of found) {
      // importPolicy may only have adopted the artifact: any other activity is preferred as its origin.
      if (ref?.producer?.startsWith('manifests/importPolicy/') === true) adopted ??= ref;
      else if (ref) return ref;
    }
    onLook((lookedAtCount += nearest.length), places.length);
  }
  return adopted;
}

async function outputAt(store: ArtifactStore, place: string, key: string): Promise<ArtifactRef | undefined> {
  const bytes = await store.objects.get(place);
  const digest = key.slice(key.lastIndexOf('/') + 1);
  if (bytes === undefined || !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(digest))
    return undefined;
  const { outputs } = checkManifest(bytes, store.objects.uriOf(place));
  return Object.values(outputs).find((output) => store.keyOf(output) === key);
}
