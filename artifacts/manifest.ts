/**
 * The commit protocol (DESIGN section 5, points 2 and 3). A manifest's key says what made it: sha256 over activity,
 * code version, input digests and config. Work whose manifest is there is not done again; of several attempts at the
 * same work one manifest wins, by a conditional PUT, and all attempts return that one. Outputs are written before the
 * manifest, so what a manifest names is whole; what an attempt wrote before it died is named by nothing. A store can lose
 * objects all the same (a copy of a running one, a bad disk): what a manifest that is found names must be there, or the
 * work is done again.
 */
import { assert } from '../core/assert.ts';
import { MtrlError } from '../core/errors.ts';
import { digestOf, sha256, type Json } from '../core/json.ts';
import { isFresh } from './store/age.ts';
import type { ArtifactStore } from './store/artifact-store.ts';
import { missingPart } from './store/complete.ts';
import { asJson, isRecord, jsonBytes, parseJsonBytes } from './codecs/json-value.ts';
import { linksIn } from './links.ts';
import type { ArtifactRef } from './ref.ts';
import { secondRead } from './store/second-read.ts';
import { describeBytes } from './store/stream-digest.ts';

export type ManifestInputs = Readonly<Record<string, ArtifactRef | readonly ArtifactRef[]>>;

/** What decides a result, and (environment) where it was made, which must not decide it. */
export interface Work {
  readonly activity: string;
  readonly codeVersion: string;
  readonly inputs: ManifestInputs;
  readonly config: Json;
  /** Runtime version, CPU, threads: for lineage; not part of the key. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface Computed<T> {
  readonly outputs: Readonly<Record<string, ArtifactRef>>;
  /** Plain JSON, a function of the work alone: no times, no host names. */
  readonly summary: T;
  readonly computeMs: number;
}

export interface Manifest<T> extends Work {
  readonly schema: 1;
  /** sha256 of activity, code version, input digests and config. */
  readonly key: string;
  readonly outputs: Readonly<Record<string, ArtifactRef>>;
  readonly summary: T;
  readonly cost: { readonly computeMs: number };
  /** Names of outputs that refer to nothing but what this manifest refers to: whoever follows it need not read them. */
  readonly closed?: readonly string[];
  /** sha256 over the canonical JSON of everything else here: a manifest proves itself. */
  readonly digest: string;
}

export interface Memoized<T> {
  readonly manifest: Manifest<T>;
  readonly ref: ArtifactRef;
  /** Found, not computed now. */
  readonly cached: boolean;
}

/** Two attempts at the same work made different bytes: a determinism bug. */
export interface Divergence {
  readonly activity: string;
  readonly key: string;
  /** Name of the output, or `summary`. */
  readonly name: string;
  readonly kept: string | undefined;
  readonly ours: string | undefined;
}

export interface MemoizeOptions {
  readonly onDivergence?: (divergences: readonly Divergence[]) => void;
}

export function workKey({ activity, codeVersion, inputs, config }: Omit<Work, 'environment'>): string {
  const digests = Object.entries(inputs).map(([name, input]): [string, Json] => [name, digestsOf(input)]);
  return digestOf({ activity, codeVersion, inputs: Object.fromEntries(digests), config });
}

/** Where a manifest is kept. Also the `producer` of its outputs. */
export function manifestKey(activity: string, key: string): string {
  assert(/^[a-z][a-zA-Z0-9-]*$/.test(activity), `not an activity's name: ${activity}`);
  return `manifests/${activity}/${key}.json`;
}

export async function memoize<T>(
  store: ArtifactStore,
  work: Work,
  compute: () => Promise<Computed<T>>,
  { onDivergence }: MemoizeOptions = {},
): Promise<Memoized<T>> {
  const found = await findMade<T>(store, work);
  if (found !== undefined) return { ...found, cached: true };

  const key = workKey(work);
  const place = manifestKey(work.activity, key);
  return store.protect(async (requireHeld) => {
    const ours = seal(store, work, key, place, await compute());
    requireHeld();
    const bytes = jsonBytes(ours);
    const made = { manifest: ours, ref: refAt(store, place, bytes), cached: false };
    if ((await store.objects.putIfAbsent(place, bytes)) === 'written') return made;
    const winner = await readAged(store, place);
    if (winner === undefined) throw changedMeanwhile(store, place);
    const divergences = compare(winner.found.manifest, ours);
    if (divergences.length > 0) onDivergence?.(divergences);
    // The same outputs are whole again by what was just written; others are replaced, where parts of them are gone.
    if (divergences.length > 0 && (await missingPart(store, winner.found.manifest)) !== undefined) {
      if ((await store.objects.putIfMatch(place, bytes, winner.tag)) === 'written') return made;
      throw changedMeanwhile(store, place);
    }
    await store.objects.touch(place);
    return { ...(winner.found as Found<T>), cached: false };
  });
}

interface Found<T> {
  readonly manifest: Manifest<T>;
  readonly ref: ArtifactRef;
}

/** undefined where the work has not been done, or parts of its result are gone. Throws as readManifest does. */
export async function findMade<T>(store: ArtifactStore, work: Work): Promise<Found<T> | undefined> {
  const place = manifestKey(work.activity, workKey(work));
  const known = await readAged(store, place);
  if (known === undefined || !(await isUsable(store, place, known))) return undefined;
  return known.found as Found<T>;
}

/** undefined when the work has not been done. Throws ARTIFACT_CORRUPT when the manifest does not prove itself. */
export async function readManifest(store: ArtifactStore, place: string): Promise<Found<unknown> | undefined> {
  return (await readAged(store, place))?.found;
}

interface Aged {
  readonly found: Found<unknown>;
  readonly tag: string;
  readonly modifiedAtMs: number;
}

async function readAged(store: ArtifactStore, place: string): Promise<Aged | undefined> {
  const uri = store.objects.uriOf(place);
  return secondRead(uri, async () => {
    const tagged = await store.objects.getTagged(place);
    if (tagged === undefined) return undefined;
    const { bytes, tag, modifiedAtMs } = tagged;
    const found = { manifest: checkManifest(bytes, uri), ref: refAt(store, place, bytes) };
    return { found, tag, modifiedAtMs };
  });
}

/**
 * Work that is used again is young again: a garbage collection takes nothing young, nor what something young refers to
 * (garbage.ts). False when it was collected meanwhile, or when parts of it are gone: it is then made anew.
 */
async function isUsable(store: ArtifactStore, place: string, { found, modifiedAtMs }: Aged): Promise<boolean> {
  if (!isFresh(modifiedAtMs, await store.objects.timeMs()) && !(await store.objects.touch(place))) return false;
  return (await missingPart(store, found.manifest)) === undefined;
}

/** Two at once replace a manifest whose outputs are gone, or somebody removes it: the next attempt sees one of them. */
function changedMeanwhile(store: ArtifactStore, place: string): MtrlError {
  return new MtrlError('STORE_FAILED', 'a manifest was replaced or removed while the same work was done', {
    where: store.objects.uriOf(place),
    hint: 'the activity is tried again and finds what is there now',
  });
}

/** The manifest in these bytes. Throws ARTIFACT_CORRUPT when one of them is not what was written. */
export function checkManifest(bytes: Uint8Array, uri: string): Manifest<unknown> {
  const value = parseJsonBytes(bytes);
  const { digest, ...rest } = isRecord(value) ? value : { digest: undefined };
  const found = digestOf(asJson(rest));
  if (digest === found) return value as Manifest<unknown>;
  throw new MtrlError('ARTIFACT_CORRUPT', 'the manifest is not what was written', {
    where: uri,
    found:
      digest === undefined
        ? `no manifest: ${describeBytes(bytes)}`
        : `sha256 ${found}, where it says ${JSON.stringify(digest)}`,
    hint: 'restore the object from a copy, or delete it and run again: the work is then done anew',
  });
}

function seal<T>(
  store: ArtifactStore,
  work: Work,
  key: string,
  place: string,
  { outputs, summary, computeMs }: Computed<T>,
): Manifest<T> {
  const { activity, codeVersion, inputs, config, environment } = work;
  const produced = Object.entries(outputs).map(([name, ref]) => [name, { ...ref, producer: place }] as const);
  const said = {
    ...{ schema: 1 as const, key, activity, codeVersion, inputs, config, environment },
    ...{ outputs: Object.fromEntries(produced), summary, cost: { computeMs } },
  };
  const open = { ...said, closed: closedIn(store, outputs, said) };
  return { ...open, digest: digestOf(asJson(open)) };
}

function closedIn(store: ArtifactStore, outputs: Computed<unknown>['outputs'], said: unknown): string[] {
  // A file of a folder is not read, so what it may name is not followed.
  const followed = new Set(linksIn(store.objects, said).flatMap(({ key, isFile }) => (isFile ? [] : [key])));
  const isClosed = ([, ref]: readonly [string, ArtifactRef]) =>
    store.linksOf(ref)?.every(({ key }) => followed.has(key));
  return Object.entries(outputs)
    .filter(isClosed)
    .map(([name]) => name);
}

function refAt(store: ArtifactStore, place: string, bytes: Uint8Array): ArtifactRef {
  return { uri: store.objects.uriOf(place), sha256: sha256(bytes), byteLength: bytes.byteLength };
}

function digestsOf(input: ArtifactRef | readonly ArtifactRef[]): Json {
  return 'sha256' in input ? input.sha256 : input.map((ref) => ref.sha256);
}

function compare(kept: Manifest<unknown>, ours: Manifest<unknown>): Divergence[] {
  const digests = ({ outputs, summary }: Manifest<unknown>): Map<string, string> =>
    new Map([
      ...Object.entries(outputs).map(([name, ref]) => [name, ref.sha256] as const),
      ['summary', digestOf(asJson(summary))],
    ]);
  const [theirs, own] = [digests(kept), digests(ours)];
  return [...new Set([...theirs.keys(), ...own.keys()])]
    .filter((name) => theirs.get(name) !== own.get(name))
    .map((name) => ({ activity: ours.activity, key: ours.key, name, kept: theirs.get(name), ours: own.get(name) }));
}
