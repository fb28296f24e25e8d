/**
 * Promoted names: `promotions/<name>.json`. A version is an artifact, written once; the document holds the refs of all
 * versions, the current one, and the history of switches. It changes by a single conditional PUT, so readers see a
 * switch completely or not at all, and of two switches based on the same state one is rejected.
 */
import { MtrlError } from '../core/errors.ts';
import { digestOf } from '../core/json.ts';
import type { ArtifactStore } from './store/artifact-store.ts';
import { asJson, isRecord, jsonBytes, parseJsonBytes } from './codecs/json-value.ts';
import { type Format, inFormat } from './format.ts';
import type { ArtifactRef } from './ref.ts';
import { secondRead } from './store/second-read.ts';
import { describeBytes } from './store/stream-digest.ts';

/** Objects under it are roots of garbage collection, so all versions of a name are kept. */
const namesPrefix = 'promotions/';

export interface NameEvent {
  /** Revision of the document after the switch: 1, 2, ... */
  readonly revision: number;
  readonly kind: 'promoted' | 'rolled-back';
  /** The version after and before the switch; null for none. */
  readonly version: number | null;
  readonly previous: number | null;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly by?: string;
  readonly reason?: string;
}

export interface NamedVersion {
  readonly artifact: ArtifactRef;
  /** Versions with equal identities are the same version. */
  readonly identity: string;
}

export interface NameDocument {
  readonly schema: 1;
  readonly name: string;
  /** Number of switches. */
  readonly revision: number;
  readonly current: number | null;
  /** Version n is at index n - 1. */
  readonly versions: readonly NamedVersion[];
  readonly events: readonly NameEvent[];
}

const nameFormat: Format<NameDocument> = {
  ...{ what: 'the document of the name', schema: 1 },
  again: 'promote a judge to another name',
};

/** Who switches a name, when and why, and the revision on which the decision was based. */
export interface Switch {
  readonly revision: number;
  readonly at: string;
  readonly by?: string;
  readonly reason?: string;
}

export interface Addition extends Switch {
  readonly identity: string;
  /** The version's JSON, which may contain its number. */
  readonly content: (version: number) => unknown;
}

/**
 * Reads the name's document; a new name has revision 0 and no version. Throws USAGE, ARTIFACT_CORRUPT,
 * FORMAT_UNSUPPORTED.
 */
export async function readName(store: ArtifactStore, name: string): Promise<NameDocument> {
  return (await find(store, name)).document;
}

/** Lists the names, in alphabetical order. */
export async function listNames({ objects }: ArtifactStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of objects.list(namesPrefix)) names.push(key.slice(namesPrefix.length, -'.json'.length));
  return names;
}

/** The given version, or the current one. Throws NOT_FOUND. */
export function versionOf(document: NameDocument, version = document.current): NamedVersion & { version: number } {
  const found = document.versions[(version ?? 0) - 1];
  if (found !== undefined && version !== null) return { ...found, version };
  const { name, versions } = document;
  throw new MtrlError(
    'NOT_FOUND',
    version === null ? 'no judge has been promoted to this name' : 'this version of the name does not exist',
    {
      where: version === null ? name : `${name}@${String(version)}`,
      hint: versions.length === 0 ? 'promote a judge to it first' : `its versions: 1 to ${String(versions.length)}`,
    },
  );
}

/**
 * Sets the name to this version, a new one unless a version with its identity exists. Idempotent.
 * Throws PROMOTION_CONFLICT if the name was switched since that revision.
 */
export async function promoteVersion(store: ArtifactStore, name: string, addition: Addition): Promise<NameDocument> {
  const isDone = ({ versions, events, current }: NameDocument): boolean => {
    const made = events.find(({ revision }) => revision === addition.revision + 1)?.version;
    return [made, current].some((version) => versions[(version ?? 0) - 1]?.identity === addition.identity);
  };
  return switchName(store, name, addition, isDone, async (document) => {
    const known = document.versions.findIndex(({ identity }) => identity === addition.identity);
    const version = known < 0 ? document.versions.length + 1 : known + 1;
    const { identity, content } = addition;
    const added = known < 0 ? [{ artifact: await store.putJson(content(version)), identity }] : [];
    return switched({ ...document, versions: [...document.versions, ...added] }, 'promoted', version, addition);
  });
}

/**
 * Sets the name back to an earlier version: `to`, or the version that the current one replaced, which may be none.
 * Throws NOT_FOUND, USAGE, PROMOTION_CONFLICT.
 */
export async function rollBackName(
  store: ArtifactStore,
  name: string,
  change: Switch & { readonly to?: number },
): Promise<NameDocument> {
  const { to } = change;
  const isDone = ({ events }: NameDocument): boolean => {
    const made = events.find(({ revision }) => revision === change.revision + 1);
    return made?.kind === 'rolled-back' && made.by === change.by && (to === undefined || made.version === to);
  };
  return switchName(store, name, change, isDone, (document) => {
    const target = to === undefined ? before(document) : versionOf(document, to).version;
    if (target === document.current)
      throw new MtrlError('USAGE', 'this version is already the promoted one', { where: `${name}@${String(target)}` });
    return Promise.resolve(switched(document, 'rolled-back', target, change));
  });
}

function before(document: NameDocument): number | null {
  const { version: current } = versionOf(document);
  return document.events.findLast(({ kind, version }) => kind === 'promoted' && version === current)?.previous ?? null;
}

function switched(
  document: NameDocument,
  kind: NameEvent['kind'],
  version: number | null,
  { at, by, reason }: Switch,
): NameDocument {
  const revision = document.revision + 1;
  const said = { ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) };
  const event: NameEvent = { revision, kind, version, previous: document.current, at, ...said };
  return { ...document, revision, current: version, events: [...document.events, event] };
}

async function switchName(
  store: ArtifactStore,
  name: string,
  { revision }: Switch,
  isDone: (document: NameDocument) => boolean,
  change: (document: NameDocument) => Promise<NameDocument>,
): Promise<NameDocument> {
  const { document, tag } = await find(store, name);
  if (isDone(document)) return document;
  if (document.revision === revision) {
    const next = await change(document);
    if (await write(store, name, next, tag)) return next;
  }
  // A request that was resent because its first response was lost also fails, although the first request succeeded.
  const now = await readName(store, name);
  if (isDone(now)) return now;
  throw conflict(store, now, revision);
}

function keyOf(name: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,199}$/.test(name)) return `${namesPrefix}${name}.json`;
  throw new MtrlError('USAGE', 'the name is invalid', {
    found: JSON.stringify(name),
    hint: 'use lower-case letters, digits and dashes, starting with a letter or digit',
  });
}

interface Found {
  readonly document: NameDocument;
  /** undefined if there is no object yet. */
  readonly tag: string | undefined;
}

async function find({ objects }: ArtifactStore, name: string): Promise<Found> {
  const key = keyOf(name);
  const where = objects.uriOf(key);
  return secondRead(where, async () => {
    const found = await objects.getTagged(key);
    if (found === undefined)
      return { document: { schema: 1, name, revision: 0, current: null, versions: [], events: [] }, tag: undefined };
    const value = parseJsonBytes(found.bytes);
    const { digest, ...document } = isRecord(value) ? value : { digest: undefined };
    if (digest === digestOf(asJson(document)))
      return { document: inFormat(nameFormat, document, where), tag: found.tag };
    throw new MtrlError('ARTIFACT_CORRUPT', "the name's document differs from what was written", {
      where,
      found: describeBytes(found.bytes),
      hint: 'restore the object from a copy: it records the promoted version',
    });
  });
}

/** Writes the document; returns false if the name was switched meanwhile. */
async function write(
  { objects }: ArtifactStore,
  name: string,
  document: NameDocument,
  tag: string | undefined,
): Promise<boolean> {
  const bytes = jsonBytes({ ...document, digest: digestOf(asJson(document)) });
  const key = keyOf(name);
  const outcome = tag === undefined ? await objects.putIfAbsent(key, bytes) : await objects.putIfMatch(key, bytes, tag);
  return outcome === 'written';
}

function conflict({ objects }: ArtifactStore, now: NameDocument, revision: number): MtrlError {
  const last = now.events.at(-1);
  const said = last === undefined ? 'no event' : `${last.kind} version ${String(last.version ?? 'none')} at ${last.at}`;
  return new MtrlError('PROMOTION_CONFLICT', `${now.name} was switched during the comparison`, {
    where: objects.uriOf(keyOf(now.name)),
    found: `revision ${String(now.revision)} (${said}), expected ${String(revision)}`,
    hint: 'run it again: the candidate is then compared with the current judge',
  });
}
