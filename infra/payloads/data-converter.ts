/** What workers and clients do to payloads: nothing without keys, else they encrypt them. */
import type { DataConverter } from '@temporalio/common';
import type { Env } from '../stack/env.ts';
import { EncryptionCodec } from './encryption-codec.ts';
import { keyRingOf } from './key-ring.ts';

/** Throws USAGE if the keys that the environment names cannot be used. */
export function dataConverterOf(env: Env = process.env): DataConverter {
  return { payloadCodecs: [new EncryptionCodec(keyRingOf(env))] };
}
