import { ArtifactStore, type ArtifactStoreOptions } from './artifact-store.ts';
import { StoreLease } from './lease.ts';
import type { ObjectStore } from './object-store.ts';
import { S3ObjectStore, type S3Settings } from './s3-object-store.ts';
import type { OnTransfer } from './s3-transport.ts';

/** The bucket of the stack's settings. Does not connect: the first request tells what is wrong. */
export function openObjectStore(settings: S3Settings, onTransfer?: OnTransfer): ObjectStore {
  return new S3ObjectStore(settings, onTransfer);
}

export function openArtifactStore(
  settings: S3Settings,
  { onTransfer, ...options }: ArtifactStoreOptions & { readonly onTransfer?: OnTransfer } = {},
): ArtifactStore {
  const objects = openObjectStore(settings, onTransfer);
  return new ArtifactStore(objects, { lease: new StoreLease(objects), ...options });
}
