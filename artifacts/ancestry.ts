/** From an artifact back to all that it was made from: a tree in which each artifact is opened once. */
import type { ArtifactStore } from './store/artifact-store.ts';
import pMap from 'p-map';
import { batchesOf } from './store/bounded.ts';
import { isRecord } from './codecs/json-value.ts';
import { checkManifest, type Manifest, readManifest } from './manifest.ts';
import type { ArtifactRef } from './ref.ts';

export interface Ancestry {
  /** `checkpoint`, `rollouts`: what the activity that took or made it calls it. */
  readonly name: string;
  readonly uri: string;
  readonly sha256: string;
  readonly byteLength: number;
  /** Left out for what no activity made, and for what stands opened elsewhere in the tree. */
  readonly madeBy?: MadeBy;
  /** It is opened where it was met first. */
  readonly isAbove?: true;
}

export interface MadeBy {
  readonly activity: string;
  readonly codeVersion: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Settings that are single values: step, seed, mode, ... */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** Source files by digest, where it read some. */
  readonly files: Readonly<Record<string, string>>;
  readonly computeMs: number;
  /** What is inside of what it made, by name: rows, images, prompts, ... */
  readonly contents: Readonly<Record<string, Contents>>;
  readonly inputs: readonly Ancestry[];
  /** Inputs that are not listed, by name. */
  readonly further: Readonly<Record<string, number>>;
}

/** How many there are, and the first of them. */
export interface Contents {
  readonly count: number;
  readonly examples: readonly string[];
}

export interface AncestryOptions {
  readonly depthMax: number;
  /** Of inputs with one name, such as the steps since a snapshot: the newest are opened, those before them named. */
  readonly openedCountMax: number;
  /** Opens what an activity made, for those who know its form. */
  readonly contentsOf?: (made: Manifest<unknown>) => Promise<Readonly<Record<string, Contents>>>;
}

/** Of inputs with one name, opened or named. */
const listedCountMax = 200;

/** Manifests that are read at the same time. */
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
    // Members of a list stand in it and not below one another: steps are a list and no ladder.
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

/** What made it, and nothing of what that took. */
async function named(store: ArtifactStore, name: string, ref: ArtifactRef): Promise<Ancestry> {
  const made = ref.producer === undefined ? undefined : await readManifest(store, ref.producer);
  return {
    ...leaf(name, ref),
    ...(made && { madeBy: { ...factsOf(made.manifest), contents: {}, inputs: [], further: {} } }),
  };
}

/** One artifact of two activities has two histories. */
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

/** How many manifests were looked at, of how many. */
export type OnLook = (lookedAtCount: number, count: number) => void;

/**
 * The ref of an artifact known by its address, with the manifest that made it. A bare address names no activity, but a
 * manifest is written right after what it names, so the manifests are looked at in the order of their distance in time,
 * many at once, and only those that name the digest are parsed. Undefined where none did.
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
      // What only took it over from another activity does not say where it comes from.
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
