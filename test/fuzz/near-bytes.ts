/** Inputs near a given one: bytes changed, moved, cut and doubled, integers set to their limits, words inserted. */
import fc from 'fast-check';

type Change = (bytes: Buffer, at: number) => Buffer;

/** Lengths, counts and offsets that readers get wrong. */
const oddIntegers = [
  ...[0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff],
  ...[2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER],
].map(BigInt);
const longest = 0xffff_ffff_ffff_ffffn;

function integer(value: bigint, byteLength: number, isLittleEndian: boolean): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  const low = bytes.subarray(0, byteLength);
  return isLittleEndian ? low : Buffer.from(low).reverse();
}

function overwritten(bytes: Buffer, at: number, by: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + by.byteLength)]);
}

const changes: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.integer({ min: 0, max: 255 }).map(
      (value): Change =>
        (bytes, at) =>
          overwritten(bytes, at, Uint8Array.of(value)),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(...oddIntegers, longest), fc.constantFrom(1, 2, 4, 8), fc.boolean()).map(
      ([value, byteLength, isLittleEndian]): Change =>
        (bytes, at) =>
          overwritten(bytes, at, integer(value, byteLength, isLittleEndian)),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 40 }), fc.constantFrom('cut', 'double', 'move', 'zero'))
      .map(([length, how]): Change => (bytes, at) => {
        const [before, piece, after] = [
          bytes.subarray(0, at),
          bytes.subarray(at, at + length),
          bytes.subarray(at + length),
        ];
        if (how === 'cut') return Buffer.concat([before, after]);
        if (how === 'double') return Buffer.concat([before, piece, piece, after]);
        if (how === 'move') return Buffer.concat([before, after, piece]);
        return Buffer.concat([before, Buffer.alloc(piece.byteLength), after]);
      }),
  },
  { weight: 1, arbitrary: fc.constant<Change>((bytes, at) => Buffer.from(bytes.subarray(0, at))) },
);

/** @param words inserted now and then: what has a meaning in the format */
export function nearBytes(whole: Uint8Array, words: readonly string[] = []): fc.Arbitrary<Buffer> {
  const change = words.length === 0 ? changes : fc.oneof({ weight: 4, arbitrary: changes }, insertionsOf(words));
  return fc
    .array(fc.tuple(fc.nat(2 ** 31 - 1), change), { minLength: 1, maxLength: 4 })
    .map((all) =>
      all.reduce<Buffer>(
        (bytes, [place, apply]) => apply(bytes, bytes.byteLength === 0 ? 0 : place % bytes.byteLength),
        Buffer.from(whole),
      ),
    );
}

function insertionsOf(words: readonly string[]): fc.Arbitrary<Change> {
  return fc
    .constantFrom(...words)
    .map((word) => (bytes, at) => Buffer.concat([bytes.subarray(0, at), Buffer.from(word), bytes.subarray(at)]));
}
