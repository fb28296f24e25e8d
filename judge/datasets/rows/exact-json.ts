/** JSON whose integers keep all their digits: beyond 2^53, where ids of 64 bits are, JavaScript's numbers lose some. */
import { parse } from 'lossless-json';

/** Longer ones are no ids, and reading them takes long. */
const digitCountMax = 100;
const longInteger = /(?<![.\d])\d{16}/;
const integer = /^-?\d+$/;

function numberOf(text: string): number | bigint {
  const value = Number(text);
  const isExact = Number.isSafeInteger(value) || !integer.test(text) || text.length > digitCountMax;
  return isExact ? value : BigInt(text);
}

/** As JSON.parse, but integers that a number cannot hold become bigints. Throws SyntaxError. */
export function exactJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!longInteger.test(text)) return value;
  // As in JSON.parse, the last of several members of one name is taken.
  return parse(text, undefined, { parseNumber: numberOf, onDuplicateKey: ({ newValue }) => newValue });
}

/** The number if it holds all digits, else the digits as text. */
export function exactNumber(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
