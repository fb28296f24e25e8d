/**
 * Repeats a read that does not match its digest, from the store itself. The same wrong bytes twice mean a damaged
 * object; anything else is a fault in transit.
 */
import { MtrlError } from '../../core/errors.ts';

/**
 * `read`: must throw ARTIFACT_CORRUPT for wrong bytes, with a `found` that identifies them. Throws STORE_UNREACHABLE if
 * both reads fail with different bytes.
 */
export async function secondRead<T>(where: string, read: () => Promise<T>): Promise<T> {
  const first = await attempted(read);
  if ('value' in first) return first.value;
  const second = await attempted(read);
  if ('value' in second) return second.value;
  throw first.corrupt.details.found === second.corrupt.details.found ? second.corrupt : unsteady(where, first, second);
}

type Attempt<T> = { readonly value: T } | { readonly corrupt: MtrlError };

async function attempted<T>(read: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    if (error instanceof MtrlError && error.code === 'ARTIFACT_CORRUPT') return { corrupt: error };
    throw error;
  }
}

function unsteady(where: string, ...reads: readonly { readonly corrupt: MtrlError }[]): MtrlError {
  return new MtrlError('STORE_UNREACHABLE', 'two reads of one object gave different bytes', {
    where,
    found: reads.map(({ corrupt }) => corrupt.details.found ?? corrupt.message).join('; then '),
    hint: 'the request is retried; if this recurs, check the network path to the store (proxies) and the memory of this machine',
  });
}
