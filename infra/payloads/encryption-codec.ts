/**
 * Encrypts payloads for Temporal with AES-256-GCM, in the form of Temporal's samples: the encoded Payload message is
 * the plain text, and the metadata names cipher and key.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { METADATA_ENCODING_KEY, type Payload, type PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { MtrlError } from '../../core/errors.ts';
import { type KeyRing, keyFileVariable } from './key-ring.ts';

const encryptedEncoding = 'binary/encrypted';
const cipherName = 'aes-256-gcm';
const cipherKey = 'encryption-cipher';
const keyIdKey = 'encryption-key-id';
const ivByteLength = 12;
const tagByteLength = 16;

const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

/** Without keys nothing is encrypted, and what is encrypted cannot be read. */
export class EncryptionCodec implements PayloadCodec {
  readonly #ring: KeyRing | undefined;

  constructor(ring: KeyRing | undefined) {
    this.#ring = ring;
  }

  encode(payloads: Payload[]): Promise<Payload[]> {
    const ring = this.#ring;
    return Promise.resolve(ring === undefined ? payloads : payloads.map((payload) => encrypted(payload, ring)));
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    // A rejection, not an exception: the caller awaits it.
    return await Promise.resolve(payloads.map((payload) => this.#decrypted(payload)));
  }

  #decrypted(payload: Payload): Payload {
    const metadata = payload.metadata ?? {};
    // Written before there were keys.
    if (textOf(metadata[METADATA_ENCODING_KEY]) !== encryptedEncoding) return payload;
    const id = textOf(metadata[keyIdKey]);
    const key = this.#ring?.keys.get(id);
    if (key === undefined) {
      throw new MtrlError('PAYLOAD_KEY_MISSING', 'what Temporal stores is encrypted with another key', {
        where: `key ${id}`,
        found: this.#ring === undefined ? 'no keys' : `keys ${[...this.#ring.keys.keys()].join(', ')}`,
        hint: `set ${keyFileVariable} to the file with this key`,
      });
    }
    const data = Buffer.from(payload.data ?? []);
    const decipher = createDecipheriv(cipherName, key, data.subarray(0, ivByteLength));
    decipher.setAAD(Buffer.from(id));
    decipher.setAuthTag(data.subarray(data.byteLength - tagByteLength));
    try {
      const plain = [decipher.update(data.subarray(ivByteLength, data.byteLength - tagByteLength)), decipher.final()];
      return PayloadMessage.decode(Buffer.concat(plain));
    } catch (cause) {
      throw new MtrlError('PAYLOAD_CORRUPT', 'what Temporal stores was changed after it was encrypted', {
        where: `key ${id}`,
        hint: 'the history of this workflow cannot be used: start the experiment again; its results are in the store',
        cause,
      });
    }
  }
}

function encrypted(payload: Payload, { active, keys }: KeyRing): Payload {
  const iv = randomBytes(ivByteLength);
  const cipher = createCipheriv(cipherName, keys.get(active) as Buffer, iv);
  cipher.setAAD(Buffer.from(active));
  const plain = PayloadMessage.encode(payload).finish();
  const data = Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return {
    metadata: {
      [METADATA_ENCODING_KEY]: Buffer.from(encryptedEncoding),
      [cipherKey]: Buffer.from(cipherName),
      [keyIdKey]: Buffer.from(active),
    },
    data,
  };
}

function textOf(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}
