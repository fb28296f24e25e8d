/** Error for a port of this stack's server at which another program answers now. */
import { MtrlError } from '../../core/errors.ts';
import { ownerOf } from './ports.ts';

/** `what`: Temporal or store. `address`: host:port or a URL. */
export function foreignServer(what: string, address: string, found: string): MtrlError {
  const owner = ownerOf(Number(/:(\d+)$/.exec(address)?.[1]));
  return new MtrlError('SERVER_FOREIGN', `the server that answers is not this stack's ${what}`, {
    where: address,
    found: `${found}${owner === undefined ? '' : `; ${owner} listens there`}`,
    hint: "run `npm run mtrl -- up`: it starts this stack's own server, on another port if this one is taken",
  });
}
