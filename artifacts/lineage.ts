/**
 * The graph of artifacts. Its edges are all refs in JSON artifacts, every `producer` (the manifest of the activity that
 * made an artifact), and the inputs and outputs of manifests.
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { MtrlError } from '../core/errors.ts';
import type { ArtifactStore } from './store/artifact-store.ts';
import { parseJsonBytes } from './codecs/json-value.ts';
import { linksIn, type Target } from './links.ts';
import { checkManifest } from './manifest.ts';
import type { ArtifactRef } from './ref.ts';
import { secondRead } from './store/second-read.ts';
import { describeDigested, sameBytes } from './store/stream-digest.ts';

export interface Problem {
  readonly uri: string;
  readonly expected: string;
  readonly found: string;
}

/** One node of the graph. */
export interface Visited {
  readonly uri: string;
  readonly kind: 'manifest' | 'json' | 'bytes' | 'missing';
  /** 0 if missing. */
  readonly byteLength: number;
  /** Parsed content of a manifest or JSON artifact. */
  readonly value?: unknown;
  /** URIs of its references. */
  readonly links: readonly string[];
  readonly problem?: Problem;
}

export interface WalkOptions {
  /**
   * Whether to read every artifact completely and check its length and digest; otherwise only JSON artifacts are read.
   */
  readonly prove?: boolean;
}

/** Objects read in parallel. */
const readCountMax = 16;
/** Longer documents are not searched for refs. */
export const jsonByteLengthMax = 64 << 20;

/** Visits every reachable artifact once, in no particular order. Reads the store directly, never a cache. */
export async function* walk(
  store: ArtifactStore,
  roots: readonly ArtifactRef[],
  { prove = false }: WalkOptions = {},
): AsyncGenerator<Visited, void, undefined> {
  const seen = new Set<string>();
  const waiting: Target[] = [];
  const reading = new Map<
    string,
    Promise<{ readonly key: string; readonly visited: Visited; readonly targets: readonly Target[] }>
  >();
  const add = (targets: readonly Target[]): void => {
    for (const target of targets) {
      if (seen.has(target.key)) continue;
      seen.add(target.key);
      waiting.push(target);
    }
  };
  add(roots.map((ref) => targetOf(store, ref)));
  while (waiting.length > 0 || reading.size > 0) {
    for (let next = nextOf(waiting, reading.size); next !== undefined; next = nextOf(waiting, reading.size)) {
      const { key } = next;
      reading.set(
        key,
        visit(store, next, prove).then((result) => ({ key, ...result })),
      );
    }
    const { key, visited, targets } = await Promise.race(reading.values());
    reading.delete(key);
    add(targets);
    yield visited;
  }
}

function nextOf(waiting: Target[], readingCount: number): Target | undefined {
  return readingCount < readCountMax ? waiting.pop() : undefined;
}

function targetOf(store: ArtifactStore, ref: ArtifactRef): Target {
  const { sha256, byteLength } = ref;
  const key = store.keyOf(ref);
  return key.startsWith('manifests/') ? { key } : { key, expected: { sha256, byteLength } };
}

async function visit(
  store: ArtifactStore,
  target: Target,
  prove: boolean,
): Promise<{ visited: Visited; targets: readonly Target[] }> {
  const uri = store.objects.uriOf(target.key);
  const expected = target.expected === undefined ? 'a manifest' : describeDigested(target.expected);
  const { read, problem } = await readTwiceIfWrong(store, target, prove);
  if (read === undefined || 'failure' in read) {
    const gone = { uri, expected, found: read === undefined ? 'nothing' : read.failure };
    return { visited: { uri, kind: 'missing', byteLength: 0, links: [], problem: gone }, targets: [] };
  }
  const value = read.text === undefined ? undefined : parseJsonBytes(read.text);
  const isManifest = target.key.startsWith('manifests/');
  // Corrupt bytes are reported, but their refs are not followed.
  const targets = value === undefined || problem !== undefined ? [] : linksIn(store.objects, value);
  const visited: Visited = {
    uri,
    kind: isManifest ? 'manifest' : value === undefined ? 'bytes' : 'json',
    byteLength: read.sha256 === undefined ? (target.expected?.byteLength ?? read.byteLength) : read.byteLength,
    links: [...new Set(targets.map(({ key }) => store.objects.uriOf(key)))],
    ...(value === undefined ? {} : { value }),
    ...(problem === undefined ? {} : { problem }),
  };
  return { visited, targets };
}

/**
 * Reads an object, and reads it again if its bytes are wrong: the same wrong bytes twice mean damage. Throws
 * STORE_UNREACHABLE if the second read returns other wrong bytes.
 */
async function readTwiceIfWrong(
  store: ArtifactStore,
  target: Target,
  prove: boolean,
): Promise<{ read: Awaited<ReturnType<typeof readObject>>; problem: Problem | undefined }> {
  const uri = store.objects.uriOf(target.key);
  let last: { read: Awaited<ReturnType<typeof readObject>>; problem: Problem | undefined } | undefined;
  try {
    return await secondRead(uri, async () => {
      const read = await readObject(store, target.key, prove);
      const isRead = read !== undefined && !('failure' in read);
      const problem = isRead ? problemOf(uri, target, read, target.key.startsWith('manifests/')) : undefined;
      last = { read, problem };
      if (problem !== undefined) throw new MtrlError('ARTIFACT_CORRUPT', problem.expected, { found: problem.found });
      return last;
    });
  } catch (error) {
    if (last === undefined || !(error instanceof MtrlError) || error.code !== 'ARTIFACT_CORRUPT') throw error;
    return last;
  }
}

interface Read {
  readonly byteLength: number;
  /** undefined if the object was not read completely. */
  readonly sha256: string | undefined;
  /** The whole object, if it may be JSON. */
  readonly text: Uint8Array | undefined;
}

/** Maximum number of attempts, and pause between them, if the store answers but fails to read an object. */
const attemptCountMax = 3;
const attemptPauseMs = 200;

/** Reads an object; undefined if it does not exist, a failure if the store answers but cannot read it. */
async function readObject(
  store: ArtifactStore,
  key: string,
  toTheEnd: boolean,
): Promise<Read | { readonly failure: string } | undefined> {
  for (let attempt = 1; ; attempt++) {
    let isOpen = false;
    try {
      const stream = await store.objects.open(key);
      isOpen = true;
      return stream === undefined ? undefined : await readStream(stream, toTheEnd);
    } catch (error) {
      // A read that fails although the store answers means a damaged object; a store that does not answer is down.
      const isObjects = error instanceof MtrlError && (error.code === 'STORE_FAILED' || isOpen);
      if (!isObjects) throw error;
      if (attempt === attemptCountMax)
        return { failure: `the store cannot read it (${error.details.found ?? error.message})` };
      await sleep(attemptPauseMs * attempt);
    }
  }
}

async function readStream(stream: Readable, toTheEnd: boolean): Promise<Read> {
  const hash = createHash('sha256');
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  let mayBeJson = true;
  for await (const piece of stream) {
    const chunk = piece as Uint8Array;
    if (byteLength === 0) mayBeJson = chunk[0] === 0x7b || chunk[0] === 0x5b; // { [
    byteLength += chunk.byteLength;
    if (byteLength > jsonByteLengthMax) mayBeJson = false;
    if (mayBeJson) chunks.push(chunk);
    else chunks.length = 0;
    // Leaving the loop destroys the stream, which ends the transfer.
    if (!mayBeJson && !toTheEnd) return { byteLength, sha256: undefined, text: undefined };
    hash.update(chunk);
  }
  return { byteLength, sha256: hash.digest('hex'), text: mayBeJson ? Buffer.concat(chunks) : undefined };
}

function problemOf(
  uri: string,
  { expected }: Target,
  { sha256, byteLength, text }: Read,
  isManifest: boolean,
): Problem | undefined {
  if (sha256 === undefined) return undefined;
  const found = { sha256, byteLength };
  // Manifests are checked by their own digest: after an import, the stored one may be that of another attempt at the
  // same work.
  if (expected !== undefined && !isManifest && !sameBytes(expected, found)) {
    return { uri, expected: describeDigested(expected), found: describeDigested(found) };
  }
  if (!isManifest) return undefined;
  try {
    checkManifest(text ?? new Uint8Array(), uri);
    return undefined;
  } catch (error) {
    if (!(error instanceof MtrlError)) throw error;
    // Its bytes are what another version wrote: nothing is damaged.
    if (error.code === 'FORMAT_UNSUPPORTED') return undefined;
    return { uri, expected: 'a manifest that proves itself', found: error.details.found ?? error.message };
  }
}
