/**
 * `fetch` for addresses that recipes, settings and requests name. A public name leads to public addresses only, whatever
 * its DNS says at the moment of the connection, and so does every redirect from it. Private services are reached by
 * addresses that say so, or by names that the operator lists in MTRL_PRIVATE_HOSTS. Addresses at which clouds give away
 * credentials are never reached.
 */
import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector, fetch as fetchByAgent } from 'undici';
import { MtrlError } from './errors.ts';
import { reachOf, saysPrivate } from './network-places.ts';

/** Names separated by commas; `.example.com` stands for all names below it. */
export const privateHostsVariable = 'MTRL_PRIVATE_HOSTS';

/** Returns a `fetch` for requests to this address, and for redirects from it. */
export function fetchFor(address: string | URL, environment: NodeJS.ProcessEnv = process.env): typeof fetch {
  // The proxy resolves names, by rules of its own.
  if (environment['NODE_USE_ENV_PROXY'] === '1') return fetch;
  const { hostname } = new URL(address);
  const isPrivate = saysPrivate(hostname) || isListed(hostname, environment[privateHostsVariable] ?? '');
  return isPrivate ? fetchPrivate : fetchPublic;
}

function isListed(host: string, list: string): boolean {
  const names = list.split(',').map((name) => name.trim().toLowerCase());
  return names.some((name) => name !== '' && (host === name || (name.startsWith('.') && host.endsWith(name))));
}

const fetchPublic = guarded((address) => reachOf(address) === 'public');
const fetchPrivate = guarded((address) => reachOf(address) !== 'barred');

function guarded(isAllowed: (address: string) => boolean): typeof fetch {
  const connect = buildConnector({ lookup: lookupAllowed(isAllowed) });
  const dispatcher = new Agent({
    connect(options, callback) {
      // Addresses in digits are not looked up.
      const host = options.hostname.replace(/^\[|\]$/g, '');
      if (isIP(host) !== 0 && !isAllowed(host)) callback(refusal(host, [host]), null);
      else connect(options, callback);
    },
  });
  // Its types and the global ones declare the same classes twice.
  const fetchBy = fetchByAgent as unknown as (input: unknown, init: object) => Promise<Response>;
  return async (input, init) => {
    try {
      return await fetchBy(input, { ...init, dispatcher });
    } catch (error) {
      throw error instanceof Error && error.cause instanceof MtrlError ? error.cause : error;
    }
  };
}

function lookupAllowed(isAllowed: (address: string) => boolean): LookupFunction {
  return (host: string, options: LookupOptions, callback) => {
    lookup(host, { ...options, all: true }, (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const allowed = found.filter(({ address }) => isAllowed(address));
      const [first] = allowed;
      if (first === undefined) {
        const addresses = found.map(({ address }) => address);
        callback(refusal(host, addresses), []);
      } else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

function refusal(host: string, addresses: readonly string[]): MtrlError {
  const isBarred = addresses.some((address) => reachOf(address) === 'barred');
  return new MtrlError('ADDRESS_REFUSED', 'the address leads to a place that is not public; nothing was sent', {
    where: host,
    found: addresses.slice(0, 4).join(', '),
    hint: isBarred
      ? 'link-local, multicast and reserved addresses are never asked'
      : `if this private service is meant, name it in ${privateHostsVariable} of the workers, separated by commas`,
  });
}
