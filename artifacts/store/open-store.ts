import { ArtifactStore, type ArtifactStoreOptions } from './artifact-store.ts';
import { StoreLease } from '../collection/lease.ts';
import type { ObjectStore } from './object-store.ts';
import { type Prove, S3ObjectStore } from './s3-object-store.ts';
import type { S3Settings } from './s3-settings.ts';
import type { OnTransfer } from './s3-transport.ts';

/** Opens the bucket of the stack's settings. Does not connect: the first request reports problems. */
export function openObjectStore(settings: S3Settings, onTransfer?: OnTransfer, prove?: Prove): ObjectStore {
  return new S3ObjectStore(settings, onTransfer, prove);
}

export function openArtifactStore(
  settings: S3Settings,
  {
    onTransfer,
    prove,
    ...options
  }: ArtifactStoreOptions & { readonly onTransfer?: OnTransfer; readonly prove?: Prove } = {},
): ArtifactStore {
  const objects = openObjectStore(settings, onTransfer, prove);
  return new ArtifactStore(objects, { lease: new StoreLease(objects), ...options });
}
