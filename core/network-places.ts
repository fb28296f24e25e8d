/**
 * Which addresses of a network are private, and which hosts say that they are. Ranges: the special-purpose registries of
 * IANA (RFC 6890), and the addresses at which clouds answer with credentials of the machine.
 */
import { BlockList, isIP } from 'node:net';

function listOf(...ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits = ''] = range.split('/');
    list.addSubnet(address, Number(bits), address.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}

const privateAddresses = listOf(
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '172.16.0.0/12', '192.0.0.0/24', '192.168.0.0/16'],
  ...['198.18.0.0/15', '::/128', '::1/128', 'fc00::/7', 'fec0::/10'],
);
/** Nobody serves models or grades there: link-local addresses, with the metadata of clouds; multicast; reserved ones. */
const barredAddresses = listOf(
  ...['169.254.0.0/16', '100.100.100.200/32', '192.0.0.192/32', '224.0.0.0/4', '240.0.0.0/4'],
  ...['fe80::/10', 'fd00:ec2::254/128', 'ff00::/8'],
);

export type Reach = 'public' | 'private' | 'barred';

/** @param address of IPv4 or IPv6, without brackets */
export function reachOf(address: string): Reach {
  const plain = embeddedAddress(address) ?? address;
  const family = isIP(plain) === 6 ? 'ipv6' : 'ipv4';
  if (barredAddresses.check(plain, family)) return 'barred';
  return privateAddresses.check(plain, family) ? 'private' : 'public';
}

/** The IPv4 address that a translated one stands for: NAT64 (RFC 6052), 6to4 (RFC 3056), IPv4-compatible (RFC 4291). */
function embeddedAddress(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined;
  const [unzoned = ''] = address.split('%');
  const groups = groupsOf(new URL(`http://[${unzoned}]`).hostname.slice(1, -1));
  const [first = 0, second = 0, third = 0] = groups;
  const isCompatible = groups.slice(0, 6).every((group) => group === 0) && (groups[6] ?? 0) > 0;
  const pair = first === 0x2002 ? [second, third] : groups.slice(6);
  const isEmbedded = first === 0x2002 || (first === 0x64 && second === 0xff9b) || isCompatible;
  return isEmbedded ? pair.flatMap((group) => [group >> 8, group & 255]).join('.') : undefined;
}

/** @param text as URLs write it: at most one `::`, no dots */
function groupsOf(text: string): number[] {
  const [start = '', end] = text.split('::');
  const read = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16)));
  const [before, after] = [read(start), read(end ?? '')];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

/** Names that no public server can have: of one word, or below a domain that is kept for private use. */
const privateName = /^[^.]+\.?$|\.(localhost|local|internal|lan|home\.arpa|svc|cluster\.local)\.?$/i;

/** Whether the host says by itself that it is private: whoever wrote the address meant it so. */
export function saysPrivate(host: string): boolean {
  const plain = host.replace(/^\[|\]$/g, '');
  return isIP(plain) === 0 ? privateName.test(plain) : reachOf(plain) !== 'public';
}
