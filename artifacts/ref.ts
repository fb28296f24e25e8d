/**
 * A reference to stored bytes: small enough to pass through Temporal, and sufficient to fetch and verify the bytes.
 */
export interface ArtifactRef {
  /** `s3://bucket/key` or `file:///root/key`. */
  readonly uri: string;
  /** sha256 of the bytes, 64 hexadecimal digits. */
  readonly sha256: string;
  readonly byteLength: number;
  /** Key of the manifest whose activity made these bytes: the edge that lineage walks. Not part of any key. */
  readonly producer?: string;
}
