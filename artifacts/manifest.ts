/**
 * The commit protocol (DESIGN section 5, points 2 and 3). A manifest's key says what made it: sha256 over activity,
 * code version, input digests and config. Work whose manifest is there is not done again; of several attempts at the
 * same work one manifest wins, by a conditional PUT, and all attempts return that one. Outputs are written before the
 * manifest, so what a manifest names is whole; what an attempt wrote before it died is named by nothing.
 */
import { assert } from '../core/assert.ts';
import { MtrlError } from '../core/errors.ts';
import { digestOf, sha256, type Json } from '../core/json.ts';
import { isFresh } from './age.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { asJson, isRecord, jsonBytes, parseJsonBytes } from './json-value.ts';
import { linksIn } from './links.ts';
import type { ArtifactRef } from './ref.ts';

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
  const key = workKey(work);
  const place = manifestKey(work.activity, key);
  const aged = await readAged(store, place);
  if (aged !== undefined && (await isUsedAgain(store, place, aged.modifiedAtMs)))
    return { ...(aged.found as Found<T>), cached: true };

  const ours = seal(store, work, key, place, await compute());
  const bytes = jsonBytes(ours);
  if ((await store.objects.putIfAbsent(place, bytes)) === 'written') {
    return { manifest: ours, ref: refAt(store, place, bytes), cached: false };
  }
  const winner = (await readManifest(store, place)) as Found<T> | undefined;
  assert(winner !== undefined, `${place} was refused as existing and is not there`);
  const divergences = compare(winner.manifest, ours);
  if (divergences.length > 0) onDivergence?.(divergences);
  return { ...winner, cached: false };
}

interface Found<T> {
  readonly manifest: Manifest<T>;
  readonly ref: ArtifactRef;
}

/** undefined when the work has not been done. Throws ARTIFACT_CORRUPT when the manifest does not prove itself. */
export async function readManifest(store: ArtifactStore, place: string): Promise<Found<unknown> | undefined> {
  return (await readAged(store, place))?.found;
}

async function readAged(store: ArtifactStore, place: string) {
  const tagged = await store.objects.getTagged(place);
  if (tagged === undefined) return undefined;
  const { bytes, modifiedAtMs } = tagged;
  const manifest = checkManifest(bytes, store.objects.uriOf(place));
  return { found: { manifest, ref: refAt(store, place, bytes) }, modifiedAtMs };
}

/**
 * Work that is used again is young again: a garbage collection takes nothing young, nor what something young refers to
 * (garbage.ts). False when it was collected meanwhile.
 */
async function isUsedAgain(store: ArtifactStore, place: string, modifiedAtMs: number): Promise<boolean> {
  return isFresh(modifiedAtMs) || (await store.objects.touch(place));
}

/** The manifest in these bytes. Throws ARTIFACT_CORRUPT when one of them is not what was written. */
export function checkManifest(bytes: Uint8Array, uri: string): Manifest<unknown> {
  const value = parseJsonBytes(bytes);
  const { digest, ...rest } = isRecord(value) ? value : { digest: undefined };
  const found = digestOf(asJson(rest));
  if (digest === found) return value as Manifest<unknown>;
  throw new MtrlError('ARTIFACT_CORRUPT', 'the manifest is not what was written', {
    where: uri,
    found: digest === undefined ? 'no manifest' : `sha256 ${found}, where it says ${JSON.stringify(digest)}`,
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
