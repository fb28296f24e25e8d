/** One attempt at a protocol that is disturbed, the one after it, and what they leave. */
import { ApplicationFailure } from '@temporalio/common';
import { parseJsonBytes } from '../../artifacts/codecs/json-value.ts';
import { linksIn } from '../../artifacts/links.ts';
import { walk } from '../../artifacts/lineage.ts';
import { checkManifest } from '../../artifacts/manifest.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { missingPart } from '../../artifacts/store/complete.ts';
import { MtrlError } from '../../core/errors.ts';
import { type Attempt, startAttempt } from './attempt.ts';
import { FailingStore, type Failpoint } from './failing-store.ts';
import type { Protocol } from './journey.ts';
import type { MemoryObjectStore } from './memory-object-store.ts';

export interface Disturbed {
  /** Whether the protocol has so many requests. */
  readonly isMet: boolean;
  /** What the last attempt answers. */
  readonly answer: unknown;
  readonly objects: MemoryObjectStore;
  /** What readers could find while the first attempt was over and the next one had not begun, and must not. */
  readonly problems: readonly string[];
}

type Ended = { readonly answer: unknown } | 'killed' | 'failed';

/** @param disk a new folder */
export async function disturbed(
  protocol: Protocol,
  failpoint: Failpoint,
  at: number,
  disk: string,
): Promise<Disturbed> {
  const objects = protocol.before.copy();
  const anew = async (): Promise<unknown> => protocol.attempt(await startAttempt(objects, disk));
  const killedAtToo = protocol.readsToWrite ? (['open'] as const) : [];
  const failing = new FailingStore(objects, { failpoint, at, overtake: anew, killedAtToo });
  const process = await startAttempt(failing.objects, disk);
  const first = await Promise.race([ended(protocol, process), failing.killed.then(() => 'killed' as const)]);
  const problems = await problemsIn(objects, protocol);
  // An activity that fails is retried by the process that it has failed in.
  const answer =
    typeof first === 'object' ? first.answer : await (first === 'killed' ? anew() : protocol.attempt(process));
  return { isMet: failing.passed.length > at, answer, objects, problems };
}

/** Throws what is not to be retried. */
async function ended(protocol: Protocol, attempt: Attempt): Promise<Ended> {
  try {
    return { answer: await protocol.attempt(attempt) };
  } catch (error) {
    const isRetried =
      error instanceof MtrlError
        ? error.retryable
        : error instanceof ApplicationFailure && error.nonRetryable === false;
    if (!isRetried) throw error;
    return 'failed';
  }
}

/** Manifests without what they name, and documents that lead to something missing. */
async function problemsIn(objects: MemoryObjectStore, { before, manifestsFirst }: Protocol): Promise<string[]> {
  const store = new ArtifactStore(objects);
  const known = before.digests();
  const problems: string[] = [];
  for (const [key, digest] of Object.entries(objects.digests())) {
    if (known[key] === digest || key.startsWith('blobs/') || key.startsWith('imports/')) continue;
    const bytes = (await objects.get(key)) ?? new Uint8Array();
    if (key.startsWith('manifests/')) {
      const missing = manifestsFirst ? undefined : await missingPart(store, checkManifest(bytes, key));
      if (missing !== undefined) problems.push(`${key} names ${missing}`);
      continue;
    }
    const links = linksIn(objects, parseJsonBytes(bytes));
    const refs = links.map((link) => ({ uri: objects.uriOf(link.key), sha256: '', byteLength: 0, ...link.expected }));
    for await (const { uri, problem } of walk(store, refs)) if (problem) problems.push(`${key} leads to ${uri}`);
  }
  return problems;
}

/** Without what says how an answer was found: another attempt has made it. */
export function settled(answer: unknown): unknown {
  return JSON.parse(
    JSON.stringify(answer ?? null, (name, value: unknown) =>
      ['cached', 'computeMs', 'datasets', 'newObjectCount'].includes(name) ? undefined : value,
    ),
  );
}
