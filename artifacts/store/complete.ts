/** Checks whether all outputs of a manifest exist, including the files of folders and the parts of documents. */
import type { ArtifactStore } from './artifact-store.ts';
import { drainBounded } from './bounded.ts';
import { isRecord, parseJsonBytes } from '../codecs/json-value.ts';
import { isDigested } from './stream-digest.ts';
import type { Manifest } from '../manifest.ts';
import { isManifestUri, keyOfRef } from '../ref-key.ts';

const askedCountMax = 16;
/** Longer documents are tables, which have no parts. */
const documentByteLengthMax = 1 << 20;

interface Part {
  readonly uri: unknown;
  readonly sha256: string;
  readonly byteLength: number;
  /** Whether it may have further parts. */
  readonly isDocument: boolean;
}

/**
 * URI of any missing part; undefined if all exist. Inputs are not checked, because they are the outputs of other work.
 * Costs one HEAD per part, and a read of each document that may have parts.
 */
export async function missingPart(store: ArtifactStore, manifest: Manifest<unknown>): Promise<string | undefined> {
  const { outputs, inputs, closed = [] } = manifest;
  const seen = new Set<string>(digestsIn(inputs));
  const waiting: Part[] = [];
  let missing: string | undefined;
  const add = (parts: readonly Part[]): void => {
    for (const part of parts) {
      if (seen.has(part.sha256)) continue;
      seen.add(part.sha256);
      waiting.push(part);
    }
  };
  for (const [name, ref] of Object.entries(outputs)) add(partsIn(ref, { isDocument: !closed.includes(name) }));
  await drainBounded(
    askedCountMax,
    () => (missing === undefined ? waiting.pop() : undefined),
    async (part) => {
      const key = keyOfRef(store.objects, part.uri, part.sha256);
      const head = await store.objects.head(key);
      if (head?.byteLength !== part.byteLength) missing = store.objects.uriOf(key);
      else if (part.isDocument && part.byteLength <= documentByteLengthMax) add(await partsOf(store, part));
    },
  );
  return missing;
}

async function partsOf(store: ArtifactStore, { uri, sha256, byteLength }: Part): Promise<readonly Part[]> {
  const ref = { ...store.refOf({ sha256, byteLength }), ...(typeof uri === 'string' && { uri }) };
  return partsIn(parseJsonBytes(await store.getBytes(ref)), { isDocument: true });
}

/** All refs in the value; those without a URI are files of a folder, which have no references. */
function partsIn(value: unknown, { isDocument }: { readonly isDocument: boolean }): Part[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => partsIn(item, { isDocument }));
  if (!isRecord(value)) return [];
  const { uri, sha256: _, byteLength: __, producer, ...rest } = value;
  const isMade = !isManifestUri(uri) && (producer === undefined || typeof producer === 'string');
  const own: Part[] =
    isMade && isDigested(value)
      ? [{ uri, sha256: value.sha256, byteLength: value.byteLength, isDocument: isDocument && uri !== undefined }]
      : [];
  return [...own, ...Object.values(rest).flatMap((member) => partsIn(member, { isDocument }))];
}

function digestsIn(inputs: Manifest<unknown>['inputs']): string[] {
  return Object.values(inputs).flatMap((input) =>
    'sha256' in input ? [input.sha256] : input.map(({ sha256 }) => sha256),
  );
}
