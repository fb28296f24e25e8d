/** Where a bucket is, and who asks for it. */
export interface S3Settings {
  /** http(s) URL without a path. */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
  readonly bucket: string;
  readonly region: string;
}
