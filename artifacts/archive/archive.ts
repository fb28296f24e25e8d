/**
 * A whole experiment outside a store, as a folder or a tar: its document and every artifact reachable from it, named by
 * their keys in a store. A header comes first and authenticates the document. A blob is authenticated by its name, a
 * manifest by its name and its own digest. Artifacts come after those that refer to them, so that a collection can
 * distinguish an import in progress from garbage.
 */
import type { Readable } from 'node:stream';
import { MtrlError } from '../../core/errors.ts';
import { digestOf, sha256 } from '../../core/json.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { experimentKey, isStorableId } from '../experiments.ts';
import { asJson, isRecord, jsonBytes, parseJsonBytes } from '../codecs/json-value.ts';
import { type Format, inFormat } from '../format.ts';
import { walk } from '../lineage.ts';
import { linksIn } from '../links.ts';
import { isDigested, sameBytes, type Digested } from '../store/stream-digest.ts';

export const headerName = 'mtrl-export.json';

export interface ArchiveHeader {
  readonly schema: 1;
  readonly experimentId: string;
  /** Digest and length of experiments/<id>.json. */
  readonly document: Digested;
  /** sha256 of the canonical JSON of the other fields. */
  readonly digest: string;
}

export interface ArchiveEntry {
  readonly name: string;
  readonly byteLength: number;
  readonly open: () => Promise<AsyncIterable<unknown>>;
}

/** Entries of an experiment's archive, in order. Throws NOT_FOUND, ARTIFACT_MISSING, ARTIFACT_CORRUPT. */
export async function* entriesOf(store: ArtifactStore, experimentId: string): AsyncGenerator<ArchiveEntry> {
  const key = experimentKey(experimentId);
  const document = await store.objects.get(key);
  if (document === undefined) {
    throw new MtrlError('NOT_FOUND', 'no finished experiment has this id', {
      where: experimentId,
      hint: 'wait until the experiment ends: its results are written then',
    });
  }
  yield inMemory(headerName, jsonBytes(headerOf(experimentId, document)));
  yield inMemory(key, document);
  yield* artifactsOf(store, document);
}

/** Entries of all artifacts reachable from the document. */
export async function* artifactsOf(store: ArtifactStore, document: Uint8Array): AsyncGenerator<ArchiveEntry> {
  for await (const { uri, byteLength, problem } of walk(store, documentRefs(store, document))) {
    if (problem !== undefined) {
      const { expected, found } = problem;
      throw new MtrlError(found === 'nothing' ? 'ARTIFACT_MISSING' : 'ARTIFACT_CORRUPT', `expected ${expected}`, {
        ...{ where: uri, found },
      });
    }
    const name = store.objects.keyOf(uri);
    const open = async (): Promise<Readable> => {
      const stream = await store.objects.open(name);
      if (stream !== undefined) return stream;
      throw new MtrlError('ARTIFACT_MISSING', 'the artifact is gone', { where: uri });
    };
    yield { name, byteLength, open };
  }
}

/** The refs of the document itself. */
export function documentRefs(store: ArtifactStore, document: Uint8Array) {
  const found = linksIn(store.objects, parseJsonBytes(document));
  return found.map(({ key, expected }) => ({ uri: store.objects.uriOf(key), sha256: '', byteLength: 0, ...expected }));
}

function headerOf(experimentId: string, document: Uint8Array): ArchiveHeader {
  const open = { schema: 1 as const, experimentId, document: digestedOf(document) };
  return { ...open, digest: digestOf(asJson(open)) };
}

const headerFormat: Format<ArchiveHeader> = {
  ...{ what: 'the archive', schema: 1 },
  again: 'export the experiment again with this version',
};

/** Parses and verifies the header. Throws ARCHIVE_INVALID, FORMAT_UNSUPPORTED. */
export function readHeader(bytes: Uint8Array, where: string): ArchiveHeader {
  const value = parseJsonBytes(bytes);
  const { digest, ...rest } = isRecord(value) ? value : { digest: undefined };
  const isWhole = digest === digestOf(asJson(rest));
  if (isWhole) inFormat(headerFormat, value, `${where}: ${headerName}`);
  const { experimentId, document } = rest;
  const isNamed = typeof experimentId === 'string' && isStorableId(experimentId);
  if (isWhole && isNamed && isDigested(document)) return value as ArchiveHeader;
  throw invalid(`${where}: ${headerName}`, 'the header is not one of an exported experiment, or was changed');
}

/** Throws ARCHIVE_INVALID unless the bytes are those of the header's document. */
export function requireDocument({ document, experimentId }: ArchiveHeader, bytes: Uint8Array, where: string): void {
  if (sameBytes(document, digestedOf(bytes))) return;
  throw invalid(
    `${where}: ${experimentKey(experimentId)}`,
    'the document of the experiment differs from the exported one',
  );
}

export function invalid(where: string, found: string, cause?: unknown): MtrlError {
  return new MtrlError('ARCHIVE_INVALID', 'the archive differs from what was exported; nothing was imported', {
    ...{ where, found, hint: 'export it again, or copy the archive again' },
    ...(cause !== undefined && { cause }),
  });
}

function digestedOf(bytes: Uint8Array): Digested {
  return { sha256: sha256(bytes), byteLength: bytes.byteLength };
}

export function inMemory(name: string, bytes: Uint8Array): ArchiveEntry {
  const open = async function* (): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(bytes);
  };
  return { name, byteLength: bytes.byteLength, open: () => Promise.resolve(open()) };
}
