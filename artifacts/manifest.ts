/**
 * The commit protocol (DESIGN section 5, points 2 and 3). A manifest's key is the sha256 of activity, code version,
 * input digests and config. Work whose manifest exists is not repeated. Of several attempts at the same work, one
 * manifest wins by a conditional PUT, and all attempts return it. Outputs are written before the manifest, so the
 * outputs of a manifest are complete, and nothing refers to the partial output of a crashed attempt. A store can still
 * lose objects (restored from a copy made while it was running, a bad disk): if outputs of an existing manifest are
 * missing, the work is repeated.
 */
import { assert } from '../core/assert.ts';
import { MtrlError } from '../core/errors.ts';
import { digestOf, sha256, type Json } from '../core/json.ts';
import { isFresh } from './store/age.ts';
import type { ArtifactStore } from './store/artifact-store.ts';
import { missingPart } from './store/complete.ts';
import { asJson, isRecord, jsonBytes, parseJsonBytes } from './codecs/json-value.ts';
import { type Format, inFormat } from './format.ts';
import { linksIn } from './links.ts';
import type { ArtifactRef } from './ref.ts';
import { secondRead } from './store/second-read.ts';
import { describeBytes } from './store/stream-digest.ts';

export type ManifestInputs = Readonly<Record<string, ArtifactRef | readonly ArtifactRef[]>>;

/** Everything that determines a result, and the environment in which it was made, which must not affect it. */
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
  /** Outputs whose references are all in this manifest as well, so that they need not be read to follow references. */
  readonly closed?: readonly string[];
  /** sha256 of the canonical JSON of all other fields; makes the manifest self-authenticating. */
  readonly digest: string;
}

export interface Memoized<T> {
  readonly manifest: Manifest<T>;
  readonly ref: ArtifactRef;
  /** Whether the result was found in the store, so that nothing was computed. */
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

/** Key of a manifest. Also the `producer` of its outputs. */
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
  const key = workKey(work);
  const place = manifestKey(work.activity, key);
  const found = await usableAt<T>(store, place);
  if (found !== undefined) return { ...found, cached: true };

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
    // If the outputs are identical, writing them has restored any missing parts. If not, the manifest is replaced if
    // parts of its outputs are missing.
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

/**
 * Finds the manifest of the work; undefined if there is none, or if parts of its result are missing. Throws like
 * readManifest.
 */
export function findMade<T>(store: ArtifactStore, work: Work): Promise<Found<T> | undefined> {
  return usableAt(store, manifestKey(work.activity, workKey(work)));
}

async function usableAt<T>(store: ArtifactStore, place: string): Promise<Found<T> | undefined> {
  const known = await readAged(store, place);
  if (known === undefined || !(await isUsable(store, place, known))) return undefined;
  return known.found as Found<T>;
}

/** Reads a manifest; undefined if there is none. Throws ARTIFACT_CORRUPT if it does not match its own digest. */
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
 * Refreshes the age of a cache hit, because a garbage collection keeps young objects and their references (garbage.ts).
 * Returns false if the work was collected meanwhile or parts of it are missing: it is then repeated.
 */
async function isUsable(store: ArtifactStore, place: string, { found, modifiedAtMs }: Aged): Promise<boolean> {
  if (!isFresh(modifiedAtMs, await store.objects.timeMs()) && !(await store.objects.touch(place))) return false;
  return (await missingPart(store, found.manifest)) === undefined;
}

/**
 * The error of an attempt that raced with another one's replacement of a manifest, or with a deletion; a retry sees the
 * result.
 */
function changedMeanwhile(store: ArtifactStore, place: string): MtrlError {
  return new MtrlError('STORE_FAILED', 'the manifest was replaced or removed by another process doing the same work', {
    where: store.objects.uriOf(place),
    hint: 'the activity is retried with the current manifest',
  });
}

export const manifestFormat: Format<Manifest<unknown>> = { what: 'the manifest', schema: 1 };

/** Parses a manifest. Throws ARTIFACT_CORRUPT if a byte differs from what was written, FORMAT_UNSUPPORTED. */
export function checkManifest(bytes: Uint8Array, uri: string): Manifest<unknown> {
  const value = parseJsonBytes(bytes);
  const { digest, ...rest } = isRecord(value) ? value : { digest: undefined };
  const found = digestOf(asJson(rest));
  if (digest === found) return inFormat(manifestFormat, value, uri);
  throw new MtrlError('ARTIFACT_CORRUPT', 'the manifest differs from what was written', {
    where: uri,
    found:
      digest === undefined
        ? `no manifest: ${describeBytes(bytes)}`
        : `sha256 ${found}, recorded ${JSON.stringify(digest)}`,
    hint: 'restore the object from a copy, or delete it and run again to recompute it',
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
  // Files of a folder are not read, so their references are not followed.
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
