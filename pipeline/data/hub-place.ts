/** What a recipe names by `hf:`, with the Hub that it is read from. */
import type { Hub } from '../../artifacts/hub/hub.ts';
import { required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import { type HubAddress, parseHubAddress } from '../../core/hub-address.ts';

/** Throws FILE_MISSING if this worker has no Hub. The recipe's schema has checked the address. */
export function hubPlace(hub: Hub | undefined, place: string): { readonly hub: Hub; readonly address: HubAddress } {
  if (hub !== undefined) return { hub, address: required(parseHubAddress(place), place) };
  throw new MtrlError('FILE_MISSING', 'this worker reads nothing from the Hub', { where: place });
}
