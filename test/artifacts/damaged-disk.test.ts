/**
 * Damage below the store: a byte of MinIO's own files changes. `verify` must name the object and not report the store
 * as unreachable.
 */
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { blobKey } from '../../artifacts/store/artifact-store.ts';
import { openArtifactStore } from '../../artifacts/store/open-store.ts';
import { verifyArtifacts } from '../../artifacts/verify.ts';
import { useStack } from '../support/stack.ts';

const stack = useStack();

it.for([
  { kind: 'small, kept inside its metadata', byteLength: 2_000, file: 'xl.meta' },
  { kind: 'large, in a part of its own', byteLength: 3_000_000, file: 'part.1' },
])('names an object with one changed byte on disk ($kind)', async ({ byteLength, file }) => {
  const { s3, home } = stack.settings;
  const store = openArtifactStore(s3);
  const damaged = await store.putBytes(Buffer.alloc(byteLength, `${String(byteLength)} `));
  const whole = await store.putJson({ damaged });
  const folder = join(home, 'minio', s3.bucket, blobKey(damaged.sha256));
  await changeByte(await findFile(folder, file), 300);
  const checked = await verifyArtifacts(store, [whole]);
  expect(checked).toMatchObject({ artifactCount: 2, problemCount: 1, problems: [{ uri: damaged.uri }] });
});

async function findFile(folder: string, name: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const entry = entries.find((each) => each.name === name);
  if (entry === undefined) throw new Error(`${folder} holds no ${name}`);
  return join(entry.parentPath, entry.name);
}

async function changeByte(path: string, fromEnd: number): Promise<void> {
  const bytes = await readFile(path);
  const at = bytes.length - fromEnd;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
}
