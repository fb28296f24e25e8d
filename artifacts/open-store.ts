import { ArtifactStore, type ArtifactStoreOptions } from './artifact-store.ts';
import type { ObjectStore } from './object-store.ts';
import { S3ObjectStore, type S3Settings } from './s3-object-store.ts';

/** The bucket of the stack's settings. Does not connect: the first request tells what is wrong. */
export function openObjectStore(settings: S3Settings): ObjectStore {
  return new S3ObjectStore(settings);
}

export function openArtifactStore(settings: S3Settings, options?: ArtifactStoreOptions): ArtifactStore {
  return new ArtifactStore(openObjectStore(settings), options);
}
