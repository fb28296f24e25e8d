/** Rows below one member of a JSON document. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonElements } from '../../judge/datasets/readers/json-elements.ts';
import { jsonMember } from '../../judge/datasets/readers/json-member.ts';

async function* piecesOf(text: string, length: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += length) yield await Promise.resolve(bytes.subarray(at, at + length));
}

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const read: Uint8Array[] = [];
  for await (const piece of pieces) read.push(Uint8Array.from(piece));
  return Buffer.concat(read).toString();
}

test('is the value that JSON.parse finds, however the bytes are cut', async () => {
  const member = fc.string({ unit: 'grapheme', maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(member, fc.jsonValue({ maxDepth: 3 })),
      fc.nat(),
      fc.nat(7),
      async (value, k, cut) => {
        const names = Object.keys(value);
        const name = names[k % Math.max(1, names.length)];
        fc.pre(name !== undefined && name !== '__proto__');
        const text = JSON.stringify(value, null, k % 3);
        expect(JSON.parse(await textOf(jsonMember(piecesOf(text, cut + 1), name)))).toEqual(
          (JSON.parse(text) as Record<string, unknown>)[name],
        );
      },
    ),
  );
});

test('holds rows, whatever stands beside it', async () => {
  const text =
    '{"pairs_": [9], "note": "\\"pairs\\": [8]", "deep": {"pairs": [7]}, "pairs" : [{"a": 1}, {"a": "}"}], "end": {}}';
  const rows: string[] = [];
  for await (const { bytes } of jsonElements(jsonMember(piecesOf(text, 3), 'pairs')))
    rows.push(
      Buffer.from(bytes ?? [])
        .toString()
        .trim(),
    );
  expect(rows).toEqual(['{"a": 1}', '{"a": "}"}']);
});

test.each([
  ['[1, 2]', 'the JSON value is an array'],
  ['{"a": [1]}', 'the JSON object has no member pairs'],
  ['{"pairs": [1, 2', 'the JSON value is truncated'],
  ['{"pairs"', 'the JSON object has no member pairs'],
])('%s is refused', async (text, message) => {
  await expect(textOf(jsonMember(piecesOf(text, 4), 'pairs'))).rejects.toThrow(message);
});
