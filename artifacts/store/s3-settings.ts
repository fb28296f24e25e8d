/** Address of a bucket, and credentials for it. */
export interface S3Settings {
  /** http(s) URL without a path. */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Only for temporary credentials. */
  readonly sessionToken?: string;
  readonly bucket: string;
  readonly region: string;
  /** Certificates in PEM that vouch for the store, instead of the usual authorities. */
  readonly authorities?: string;
}
