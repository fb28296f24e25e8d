import { ArtifactStore, type ArtifactStoreOptions } from './artifact-store.ts';
import type { ObjectStore } from './object-store.ts';
import { type OnTransfer, S3ObjectStore, type S3Settings } from './s3-object-store.ts';

/** The bucket of the stack's settings. Does not connect: the first request tells what is wrong. */
export function openObjectStore(settings: S3Settings, onTransfer?: OnTransfer): ObjectStore {
  return new S3ObjectStore(settings, onTransfer);
}

export function openArtifactStore(
  settings: S3Settings,
  { onTransfer, ...options }: ArtifactStoreOptions & { readonly onTransfer?: OnTransfer } = {},
): ArtifactStore {
  return new ArtifactStore(openObjectStore(settings, onTransfer), options);
}
