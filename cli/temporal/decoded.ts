/** Payloads that a verb reads from histories and descriptions itself, which the client leaves as they are stored. */
import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';

/** Decrypted, where they are encrypted. Throws PAYLOAD_KEY_MISSING. */
export async function decoded(client: Client, payloads: readonly Payload[]): Promise<Payload[]> {
  let plain = [...payloads];
  for (const codec of client.options.loadedDataConverter.payloadCodecs) plain = await codec.decode(plain);
  return plain;
}
