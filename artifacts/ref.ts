/**
 * What stands for kept bytes everywhere else in the system: small enough to pass through Temporal, and enough to
 * fetch the bytes and to prove that they are the right ones.
 */
export interface ArtifactRef {
  /** `s3://bucket/key` or `file:///root/key`. */
  readonly uri: string;
  /** Of the bytes, as 64 hexadecimal digits. */
  readonly sha256: string;
  readonly byteLength: number;
  /** Key of the manifest whose activity made these bytes: the edge that lineage walks. Not part of any key. */
  readonly producer?: string;
}
