/**
 * Formats of stored documents. A document says its schema, a number that changes with the meaning of its fields: one of
 * another schema is refused and not misread. Every version follows refs in documents of any schema, since their form
 * does not change, so that it can verify, copy and collect what other versions wrote.
 */
import { MtrlError } from '../core/errors.ts';
import type { ArtifactRef } from './ref.ts';
import { isRecord } from './codecs/json-value.ts';

/** `T`: the type of the documents. */
export interface Format<T> {
  /** With its article: `the snapshot`. */
  readonly what: string;
  readonly schema: T extends { readonly schema: infer S } ? S : number;
  /** Set if documents of schema 1 do not say so. */
  readonly isImplicit?: true;
  /** What to do about a document of an earlier schema. Default: run the experiment again. */
  readonly again?: string;
}

/** What documents are read from: a store, or the cache in front of it. */
export interface DocumentSource {
  getDocument<T>(ref: ArtifactRef, format: Format<T>): Promise<T>;
}

const againDefault = 'run the experiment again: this version makes it in its own format';

/** The value as a document of the format; its other fields are not checked. Throws FORMAT_UNSUPPORTED. */
export function inFormat<T>(
  { what, schema, isImplicit, again = againDefault }: Format<T>,
  value: unknown,
  where: string,
): T {
  const fields = isRecord(value) ? value : {};
  const found = isImplicit === true && isRecord(value) ? (fields['schema'] ?? 1) : fields['schema'];
  if (found === schema) return value as T;
  const isNewer = typeof found === 'number' && found > Number(schema);
  throw new MtrlError('FORMAT_UNSUPPORTED', `${what} is stored in a format that this version does not read`, {
    where,
    found: `schema ${found === undefined ? 'none' : JSON.stringify(found)}; this version reads schema ${String(schema)}`,
    hint: isNewer ? 'use the version that wrote it, or a later one' : again,
  });
}
